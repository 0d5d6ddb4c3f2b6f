"""Read how long a program asks us to wait before the next attempt (RFC 9110 section 10.2.3)."""

import re
from datetime import timedelta

LONGEST = timedelta(days=1)
_SECONDS = re.compile("[0-9]{1,20}")


def read(header: str) -> timedelta | None:
    """Return what `Retry-After` says in seconds, at most LONGEST. None for a date, which clocks of others decide."""
    found = _SECONDS.fullmatch(header.strip())
    return timedelta(seconds=min(LONGEST.total_seconds(), max(1, int(found[0])))) if found else None
