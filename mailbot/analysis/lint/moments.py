"""Moments of a week and of the days that a calendar treats apart: one that fulfils all that is asked of it.

What rules ask of a moment changes at a handful of clock times only, so looking at these, on each weekday and
on each dated day, looks at everything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mailbot.analysis.lint.budget import Undecided
from mailbot.analysis.lint.formulas import Literal
from mailbot.analysis.lint.ranges import Empty
from mailbot.domain.routing.operators import week_hours
from mailbot.domain.worktime import Calendar, Interval

FIRST = date(2026, 1, 5)  # a Monday; where no calendar names dates, any week is like any other
USUAL = timedelta(hours=10)


@dataclass(frozen=True, slots=True)
class Moments:
    """`zone` is that of the default calendar, on whose clock rules are asked."""

    zone: str
    calendars: Mapping[str, Calendar]

    @property
    def usual(self) -> datetime:
        """A Monday morning that no calendar treats apart."""
        return self._at(self._week(self.calendars.values())[0], USUAL)

    def one(self, asked: Sequence[Literal]) -> datetime:
        """A moment that fulfils all of `asked`. Raises Empty when there is none, Undecided."""
        if not asked:
            return self.usual
        named = [self.calendars[name] for name in _items(asked, "in_calendar") if name in self.calendars]
        times = {USUAL, timedelta()}
        for item in _items(asked, "within"):
            times |= {bound for _, hours in week_hours(item) for bound in _bounds(hours)}
        days = self._week(named or self.calendars.values())
        for calendar in named:
            times |= {_within_day(bound + self._ahead_of(calendar)) for bound in _all_bounds(calendar)}
            days += [
                day + timedelta(days) for day in calendar.dates if day.year < 9999 for days in (-1, 0, 1)
            ]
        for day in dict.fromkeys(days):
            for since in sorted(times, key=lambda each: (each != USUAL, each)):
                at = self._at(day, since)
                if all(bool(each.atom.condition.test(at)) is each.sign for each in asked):
                    return at
        if any(each.zone != self.zone and not _steady(each.zone, self.zone) for each in named):
            raise Undecided("no moment was found, but calendars of zones with summer time are asked")
        if any(each.atom.operator not in ("within", "in_calendar") for each in asked):
            raise Undecided("no moment was found, but not all that is asked of the hour is understood")
        raise Empty(asked)

    def _ahead_of(self, calendar: Calendar) -> timedelta:
        at = datetime(2026, 1, 15, tzinfo=UTC)
        return _offset(self.zone, at) - _offset(calendar.zone, at)

    def _week(self, calendars: Iterable[Calendar]) -> list[date]:
        """Seven days from a Monday on which no calendar names apart."""
        apart = {day for calendar in calendars for day in calendar.dates}
        monday = FIRST
        while any(monday + timedelta(days) in apart for days in range(7)) and monday.year < FIRST.year + 20:
            monday += timedelta(7)
        return [monday + timedelta(days) for days in range(7)]

    def _at(self, day: date, since: timedelta) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.zone)) + since


def _items(asked: Iterable[Literal], operator: str) -> list[str]:
    return [str(each.atom.item) for each in asked if each.atom.operator == operator]


def _all_bounds(calendar: Calendar) -> set[timedelta]:
    days = (*calendar.week, *calendar.dates.values())
    return {bound for intervals in days for hours in intervals for bound in _bounds(hours)}


def _bounds(hours: Interval) -> set[timedelta]:
    return {_within_day(hours.start), _within_day(hours.end)}


def _within_day(since: timedelta) -> timedelta:
    return since % timedelta(days=1)


def _steady(*zones: str) -> bool:
    """Have they no summer time?"""
    year = [datetime(2026, month, 15, tzinfo=UTC) for month in range(1, 13)]
    return all(len({_offset(zone, at) for at in year}) == 1 for zone in zones)


def _offset(zone: str, at: datetime) -> timedelta:
    return at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
