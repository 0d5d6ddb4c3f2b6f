"""Moments as people type them: "30d" ago, "12h", a date, a date with a time."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click

from mailbot.config.yaml import scalars
from mailbot.reports.figures.api import Period

YEARS = (1970, 9000)  # what lies outside is a slip, and its neighbours may be no dates at all
_SHORT = re.compile(r"(?<=[0-9])\s*([dw])\b")  # what the YAML wants written out


def parse_time(value: str, now: datetime, zone: str) -> datetime:
    """A span before `now`, or a date (its first moment in `zone`) with or without a time, in UTC."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        pass
    else:
        if not YEARS[0] <= found.year <= YEARS[1]:
            raise click.BadParameter(f"{value!r}: the years go from {YEARS[0]} to {YEARS[1]}")
        return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    try:
        written = _SHORT.sub(lambda unit: " days" if unit[1] == "d" else " weeks", value.strip())
        return now - scalars.duration(written)
    except ValueError as error:
        hint = f"{value!r} is neither a span nor a date: 30d, 12h, 2026-11-01"
        raise click.BadParameter(hint) from error


def parse_period(since: str, until: str | None, now: datetime, zone: str, options: str) -> Period:
    """From the one to before the other, spans of `since` counted back from `until`. `options` names both."""
    end = parse_time(until, now, zone) if until else now
    try:
        return Period(parse_time(since, end, zone), end, zone)
    except ValueError as error:
        first, last = options.split()
        raise click.UsageError(f"the period is empty: {first} must lie before {last}") from error
