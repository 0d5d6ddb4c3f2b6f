"""Spans of time as sorted pairs of moments: union, difference, days, texts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from mailbot.domain.worktime import DAY_NAMES, MIDNIGHT, Interval

Span = tuple[datetime, datetime]  # [from, to)
ONE_DAY = timedelta(days=1)


def union(groups: Iterable[Iterable[Span]]) -> list[Span]:
    """Merge spans; those that touch become one."""
    merged: list[Span] = []
    for low, high in sorted(span for spans in groups for span in spans):
        if merged and low <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], high)
        else:
            merged.append((low, high))
    return merged


def subtract(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Return the parts of `spans` outside of `others`. Both are sorted, without spans that touch."""
    rest: list[Span] = []
    place = 0
    for low, high in spans:
        while place < len(others) and others[place][1] <= low:
            place += 1
        at = place
        while at < len(others) and others[at][0] < high:
            if low < others[at][0]:
                rest.append((low, others[at][0]))
            low = max(low, others[at][1])
            at += 1
        if low < high:
            rest.append((low, high))
    return rest


def day(on: date, zone: str) -> Span:
    """Return a local day as a span."""
    where = ZoneInfo(zone)
    start, end = (datetime.combine(each, time(), where).astimezone(UTC) for each in (on, on + ONE_DAY))
    return start, end


def split_by_day(spans: Iterable[Span], zone: str) -> Iterator[tuple[date, timedelta, timedelta]]:
    """Cut spans at local midnight: (date, from, to), as time of day."""
    where = ZoneInfo(zone)
    for low, high in spans:
        start, end = (each.astimezone(where).replace(tzinfo=None) for each in (low, high))
        while start < end:
            midnight = datetime.combine(start.date() + ONE_DAY, time())
            until = min(end, midnight)
            yield start.date(), start - (midnight - ONE_DAY), until - (midnight - ONE_DAY)
            start = until


def week_text(spans: Iterable[Span], zone: str) -> str:
    """Format the hours of the week that spans cover: "mon-fri 22:00-24:00; sat, sun 00:00-24:00"."""
    hours: dict[int, list[tuple[timedelta, timedelta]]] = {}
    for on, start, end in split_by_day(spans, zone):
        hours.setdefault(on.weekday(), []).append((start, end))
    return _week({each: _merged(taken) for each, taken in hours.items()})


def _merged(taken: Iterable[tuple[timedelta, timedelta]]) -> tuple[Interval, ...]:
    merged: list[tuple[timedelta, timedelta]] = []
    for low, high in sorted(set(taken)):
        if merged and low <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], high)
        else:
            merged.append((low, high))
    return tuple(Interval(low, min(high, MIDNIGHT)) for low, high in merged)


def _week(hours: Mapping[int, tuple[Interval, ...]]) -> str:
    days_by_hours: dict[tuple[Interval, ...], list[int]] = {}
    for each in sorted(hours):
        days_by_hours.setdefault(hours[each], []).append(each)
    return "; ".join(
        f"{_days(days)} {', '.join(map(str, open_at))}" for open_at, days in days_by_hours.items()
    )


def _days(days: Sequence[int]) -> str:
    runs = [[each for _, each in run] for _, run in groupby(enumerate(days), lambda pair: pair[1] - pair[0])]
    named = [[DAY_NAMES[each][:3] for each in (run[0], run[-1])] for run in runs]
    return ", ".join(first if first == last else f"{first}-{last}" for first, last in named)


def dates_text(days: Iterable[date], most: int = 6) -> str:
    """Format dates: "2026-12-24 to 2027-01-02, 2027-03-08", at most `most` ranges."""
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
