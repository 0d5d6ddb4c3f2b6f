"""Find a moment that fulfils conditions on the hour.

The answers of such conditions change only at a few clock times. So trying these times on each weekday and
on each special date of a calendar covers all moments.
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

FIRST = date(2026, 1, 5)  # a Monday; without special dates all weeks are the same
USUAL = timedelta(hours=10)


@dataclass(frozen=True, slots=True)
class Moments:
    """`zone` is that of the default calendar: conditions use its clock."""

    zone: str
    calendars: Mapping[str, Calendar]

    @property
    def usual(self) -> datetime:
        """Return a Monday morning without special dates."""
        return self._at(self._week(self.calendars.values())[0], USUAL)

    def find(self, literals: Sequence[Literal]) -> datetime:
        """Find a moment that fulfils all literals. Raises Empty when there is none, Undecided."""
        if not literals:
            return self.usual
        calendars = [
            self.calendars[name] for name in _items(literals, "in_calendar") if name in self.calendars
        ]
        times = {USUAL, timedelta()}
        for item in _items(literals, "within"):
            times |= {bound for _, hours in week_hours(item) for bound in _bounds(hours)}
        days = self._week(calendars or self.calendars.values())
        for calendar in calendars:
            times |= {
                _within_day(bound + self._offset_to(calendar)) for bound in _bounds_of_calendar(calendar)
            }
            days += [
                day + timedelta(days) for day in calendar.dates if day.year < 9999 for days in (-1, 0, 1)
            ]
        for day in dict.fromkeys(days):
            for since in sorted(times, key=lambda each: (each != USUAL, each)):
                at = self._at(day, since)
                if all(bool(each.atom.condition.test(at)) is each.sign for each in literals):
                    return at
        if any(
            each.zone != self.zone and not _same_offset_all_year(each.zone, self.zone) for each in calendars
        ):
            raise Undecided("no moment was found, but a calendar in a zone with summer time is involved")
        if any(each.atom.operator not in ("within", "in_calendar") for each in literals):
            raise Undecided("no moment was found, but a condition on the hour is not understood")
        raise Empty(literals)

    def _offset_to(self, calendar: Calendar) -> timedelta:
        at = datetime(2026, 1, 15, tzinfo=UTC)
        return _offset(self.zone, at) - _offset(calendar.zone, at)

    def _week(self, calendars: Iterable[Calendar]) -> list[date]:
        """List seven days from a Monday, none of them a special date of the calendars."""
        special = {day for calendar in calendars for day in calendar.dates}
        monday = FIRST
        while any(monday + timedelta(days) in special for days in range(7)) and monday.year < FIRST.year + 20:
            monday += timedelta(7)
        return [monday + timedelta(days) for days in range(7)]

    def _at(self, day: date, since: timedelta) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.zone)) + since


def _items(literals: Iterable[Literal], operator: str) -> list[str]:
    return [str(each.atom.item) for each in literals if each.atom.operator == operator]


def _bounds_of_calendar(calendar: Calendar) -> set[timedelta]:
    days = (*calendar.week, *calendar.dates.values())
    return {bound for intervals in days for hours in intervals for bound in _bounds(hours)}


def _bounds(hours: Interval) -> set[timedelta]:
    return {_within_day(hours.start), _within_day(hours.end)}


def _within_day(since: timedelta) -> timedelta:
    return since % timedelta(days=1)


def _same_offset_all_year(*zones: str) -> bool:
    """Check that the zones have no summer time."""
    year = [datetime(2026, month, 15, tzinfo=UTC) for month in range(1, 13)]
    return all(len({_offset(zone, at) for at in year}) == 1 for zone in zones)


def _offset(zone: str, at: datetime) -> timedelta:
    return at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
