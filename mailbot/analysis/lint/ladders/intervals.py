"""Stretches of time as sorted pairs of moments: what lies outside of others, cut by days, said in words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from mailbot.domain.worktime import DAY_NAMES, MIDNIGHT, Interval

Span = tuple[datetime, datetime]  # [from, to)
ONE_DAY = timedelta(days=1)


def union(several: Iterable[Iterable[Span]]) -> list[Span]:
    """All of them, as pieces that don't touch."""
    joined: list[Span] = []
    for low, high in sorted(span for spans in several for span in spans):
        if joined and low <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], high)
        else:
            joined.append((low, high))
    return joined


def outside(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """What of `spans` lies in none of `others`; both sorted, none touching the next."""
    found: list[Span] = []
    place = 0
    for low, high in spans:
        while place < len(others) and others[place][1] <= low:
            place += 1
        at = place
        while at < len(others) and others[at][0] < high:
            if low < others[at][0]:
                found.append((low, others[at][0]))
            low = max(low, others[at][1])
            at += 1
        if low < high:
            found.append((low, high))
    return found


def day(on: date, zone: str) -> Span:
    """A local day."""
    where = ZoneInfo(zone)
    start, end = (datetime.combine(each, time(), where).astimezone(UTC) for each in (on, on + ONE_DAY))
    return start, end


def by_days(spans: Iterable[Span], zone: str) -> Iterator[tuple[date, timedelta, timedelta]]:
    """Each piece cut at local midnight: (date, from, to) by the wall clock."""
    where = ZoneInfo(zone)
    for low, high in spans:
        start, end = (each.astimezone(where).replace(tzinfo=None) for each in (low, high))
        while start < end:
            midnight = datetime.combine(start.date() + ONE_DAY, time())
            until = min(end, midnight)
            yield start.date(), start - (midnight - ONE_DAY), until - (midnight - ONE_DAY)
            start = until


def week_of(spans: Iterable[Span], zone: str) -> str:
    """The hours of the week in which any of them lies: "mon-fri 22:00-24:00; sat, sun 00:00-24:00"."""
    hours: dict[int, list[tuple[timedelta, timedelta]]] = {}
    for on, start, end in by_days(spans, zone):
        hours.setdefault(on.weekday(), []).append((start, end))
    return _week({each: _merged(taken) for each, taken in hours.items()})


def _merged(taken: Iterable[tuple[timedelta, timedelta]]) -> tuple[Interval, ...]:
    joined: list[tuple[timedelta, timedelta]] = []
    for low, high in sorted(set(taken)):
        if joined and low <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], high)
        else:
            joined.append((low, high))
    return tuple(Interval(low, min(high, MIDNIGHT)) for low, high in joined)


def _week(hours: Mapping[int, tuple[Interval, ...]]) -> str:
    alike: dict[tuple[Interval, ...], list[int]] = {}
    for each in sorted(hours):
        alike.setdefault(hours[each], []).append(each)
    return "; ".join(f"{_days(days)} {', '.join(map(str, open_at))}" for open_at, days in alike.items())


def _days(days: Sequence[int]) -> str:
    runs = [[each for _, each in run] for _, run in groupby(enumerate(days), lambda pair: pair[1] - pair[0])]
    named = [[DAY_NAMES[each][:3] for each in (run[0], run[-1])] for run in runs]
    return ", ".join(first if first == last else f"{first}-{last}" for first, last in named)


def dates(days: Iterable[date], most: int = 6) -> str:
    """ "2026-12-24 to 2027-01-02, 2027-03-08", at most so many stretches."""
    runs: list[list[date]] = []
    for each in sorted(set(days)):
        if runs and each - runs[-1][-1] == ONE_DAY:
            runs[-1].append(each)
        else:
            runs.append([each])
    named = [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    if len(named) > most:
        named[most:] = [f"{len(named) - most} more"]
    return ", ".join(named)
