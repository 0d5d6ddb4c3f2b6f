"""The DNS questions of SPF, DKIM and DMARC as a type. `workers.resolver` answers them within limits."""

from collections.abc import Callable, Sequence
from typing import Literal

RecordType = Literal["TXT", "A", "AAAA", "MX", "PTR"]

# (name, type) -> its records as text, () when there are none. TXT: the strings of a record joined, octets as
# Latin-1; A and AAAA: addresses; MX and PTR: host names without the final dot.
Lookup = Callable[[str, RecordType], Sequence[str]]


class LookupFailed(Exception):
    """The DNS gave no answer, so what depends on it stays undecided."""


class TimeLimitReached(Exception):
    """The time for the look-ups of one mail is used up."""
