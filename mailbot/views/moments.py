"""Moments in the past as people type them, in the shell and for the API."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from mailbot.config.yaml import scalars

YEARS = (1970, 9000)  # a year outside is a typing error, and its neighbours may be no dates at all


def parse_time(value: str, now: datetime, zone: str) -> datetime:
    """Read a span before `now` ("30d", "12h"), a date (its first moment in `zone`), or a date with a time.

    Return it in UTC. Raises ValueError for anything else.
    """
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return _before(value, now)
    if not YEARS[0] <= at.year <= YEARS[1]:
        raise ValueError(f"{value!r}: the years go from {YEARS[0]} to {YEARS[1]}")
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _before(value: str, now: datetime) -> datetime:
    try:
        return now - scalars.duration(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is neither a span nor a date: 30d, 12h, 2026-11-01") from error
