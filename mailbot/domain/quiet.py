"""Quiet hours: when nobody is to be reminded, by the wall clock of where the team works."""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from mailbot.domain.worktime import MIDNIGHT, Interval


def wakes(at: datetime, quiet: Sequence[Interval], zone: str) -> datetime:
    """`at` itself, or the end of the quiet hours that it falls into; hours that touch are one rest.

    `quiet` are hours of every day, as 21:00-24:00 and 00:00-07:00. Without an end nothing is held.
    """
    moment, where = at, ZoneInfo(zone) if quiet else None
    for _ in range(len(quiet) + 1):
        local = moment.astimezone(where)
        since = local.replace(tzinfo=None) - datetime.combine(local.date(), time())
        rest = next((each for each in quiet if each.start <= since < each.end), None)
        if rest is None:
            return moment
        end = datetime.combine(local.date(), time(), where) + rest.end
        # Where the clock goes back, an hour has two ends: the one of the pass that we are in.
        moment = max(end.replace(fold=local.fold).astimezone(UTC), moment)
    return at


def said(quiet: Sequence[Interval]) -> str:
    """ "21:00-07:00", as admins write it."""
    if len(quiet) == 2 and quiet[0].end == MIDNIGHT and not quiet[1].start:
        return f"{str(quiet[0]).partition('-')[0]}-{str(quiet[1]).partition('-')[2]}"
    return ", ".join(map(str, quiet))
