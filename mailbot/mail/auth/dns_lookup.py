"""What the checks of a sender ask of the DNS; who really asks, within limits, is `services.resolver`."""

from collections.abc import Callable, Sequence
from typing import Literal

RecordType = Literal["TXT", "A", "AAAA", "MX", "PTR"]

# (name, kind) -> its records as text, () when there are none. TXT: the strings of a record joined, octets as
# Latin-1; A and AAAA: addresses; MX and PTR: host names, without the final dot.
Lookup = Callable[[str, RecordType], Sequence[str]]


class LookupFailed(Exception):
    """The DNS gave no answer either way: what hangs on it stays open."""


class TimeLimitReached(Exception):
    """The time for one mail is used up: nothing more is asked."""
