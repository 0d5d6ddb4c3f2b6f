"""Work time: how much of it lies between two moments, and the moment when a span of it has passed.

One definition carries everything: a moment is work time when the wall clock of the calendar's zone shows a
time inside one of that local day's intervals. So a local hour that daylight saving skips holds no work time,
and one that it doubles counts twice. All moments are aware, results are UTC; arithmetic is in whole
microseconds.

Theory of operation. A calendar is worked out in sheets of 64 UTC days when they are first asked for: pieces
of work time in order, and how much lies before each. Then both questions are a search in two sorted rows, and
whole sheets in between count by their sums.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

import re2

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_DAY = EPOCH.toordinal()
DAYS = range(date(1800, 1, 1).toordinal() - FIRST_DAY, date(9999, 12, 30).toordinal() - FIRST_DAY)
MIDNIGHT = timedelta(hours=24)
SECOND, DAY = 1_000_000, 86_400_000_000  # in microseconds
PATIENCE = 5 * 366  # days without any work time until a calendar counts as closed for good
SHEET_DAYS = 64  # worked out at once: under a millisecond
SHEET = SHEET_DAYS * DAY
REMEMBERED = 64  # sheets of a calendar that are kept, eleven years

DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HOURS = re2.compile(r"\s*([0-9]{1,2})[:.]([0-9]{2})\s*[-–—]\s*([0-9]{1,2})[:.]([0-9]{2})\s*")


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A stretch of one local day, [start, end), by the wall clock since 00:00; `end` may be 24:00."""

    start: timedelta
    end: timedelta

    def __post_init__(self) -> None:
        if not timedelta() <= self.start < self.end <= MIDNIGHT:
            raise ValueError(f"{self}: hours run forward inside one day, 00:00 to 24:00")

    def __str__(self) -> str:
        return f"{_clock(self.start)}-{_clock(self.end)}"


ALL_DAY = Interval(timedelta(), MIDNIGHT)


@dataclass(frozen=True, slots=True)
class Calendar:
    """When people work. `week` has seven days, Monday first; `dates` replaces the hours of a local date.
    `estimated` are those of `dates` of which nobody is sure yet, as holidays by the moon.

    () means closed. Intervals of a day may come in any order, touch or overlap: their union is open.
    Raises ValueError for a week that hasn't seven days and for an unknown zone.
    """

    name: str
    zone: str  # IANA: "Asia/Jakarta"
    week: tuple[tuple[Interval, ...], ...]
    dates: Mapping[date, tuple[Interval, ...]] = field(default_factory=dict, hash=False)
    estimated: frozenset[date] = frozenset()
    # A memo, by the sheet's number: it holds nothing but what the fields above say.
    _sheets: "dict[int, Sheet]" = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.week) != 7:
            raise ValueError(f"calendar {self.name!r}: a week has seven days, not {len(self.week)}")
        try:
            ZoneInfo(self.zone)
        except (LookupError, ValueError, OSError) as error:  # no such key; a path; a directory
            raise ValueError(f"calendar {self.name!r}: {self.zone!r} is not a time zone") from error


ALWAYS = Calendar("always", "UTC", ((ALL_DAY,),) * 7)


def hours(text: str) -> Interval:
    """The interval that people write as "08:00-17:00" or "08.00 - 24.00". ValueError when it is none."""
    return Interval(*clock_span(text))


def clock_span(text: str) -> tuple[timedelta, timedelta]:
    """Both ends of "22:00-06:00" since midnight, in whatever order. ValueError when the text is no hours."""
    found = HOURS.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r}: hours are written like 08:00-17:00")
    parts = [int(part) for part in found.groups()]
    start, end = timedelta(minutes=parts[0] * 60 + parts[1]), timedelta(minutes=parts[2] * 60 + parts[3])
    if max(parts[1], parts[3]) > 59 or max(start, end) > MIDNIGHT:
        raise ValueError(f"{text!r}: a day ends at 24:00, an hour has 60 minutes")
    return start, end


def local(calendar: Calendar, at: datetime) -> datetime:
    """The same moment on the calendar's wall clock."""
    return at.astimezone(ZoneInfo(calendar.zone))


def add(calendar: Calendar, start: datetime, span: timedelta) -> datetime:
    """The first moment at which `span` of work time has passed since `start`; a span of 0 is over there.

    Raises ValueError for a negative span and for a calendar that stays closed for five years on end.
    """
    if span < timedelta():
        raise ValueError(f"work time runs forward: {span} can't be added")
    if not span:
        return start.astimezone(UTC)
    at = _microseconds(start - EPOCH)
    sheet = _sheet(calendar, at // SHEET)
    left = _microseconds(span) + _worked(sheet, at)
    if left > sheet.total:
        for sheet in _sheets_from(calendar, at // SHEET):
            if left <= sheet.total:
                break
            left -= sheet.total
    index = bisect_left(sheet.worked, left) - 1
    return EPOCH + timedelta(0, 0, sheet.starts[index] + left - sheet.worked[index])


def between(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """The work time in [start, end); none when `end` is not after `start`."""
    at, until = _microseconds(start - EPOCH), _microseconds(end - EPOCH)
    if until <= at:
        return timedelta()
    first, last = at // SHEET, until // SHEET
    spent = _worked(_sheet(calendar, last), until) - _worked(_sheet(calendar, first), at)
    for number in range(first, last):
        spent += _sheet(calendar, number).total
    return timedelta(0, 0, spent)


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Is this moment work time?"""
    moment = _microseconds(at - EPOCH)
    sheet = _sheet(calendar, moment // SHEET)
    index = bisect_right(sheet.starts, moment) - 1
    return index >= 0 and moment < sheet.ends[index]


def next_open(calendar: Calendar, at: datetime) -> datetime:
    """The first moment of work time not before `at`. ValueError when none comes in five years."""
    moment = _microseconds(at - EPOCH)
    for sheet in _sheets_from(calendar, moment // SHEET):
        index = bisect_right(sheet.ends, moment)
        if index < len(sheet.ends):
            return EPOCH + timedelta(0, 0, max(moment, sheet.starts[index]))
    raise AssertionError("unreachable: the sheets never end")


def stretches(calendar: Calendar, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The work time in [start, end) piece by piece, in order; none touches the next."""
    at, until = _microseconds(start - EPOCH), _microseconds(end - EPOCH)
    before: tuple[int, int] | None = None
    for number in range(at // SHEET, until // SHEET + 1):
        sheet = _sheet(calendar, number)
        for low, high in zip(sheet.starts, sheet.ends, strict=True):
            low, high = max(low, at), min(high, until)
            if low >= high:
                continue
            if before and before[1] == low:
                before = before[0], high
                continue
            if before:
                yield _moments(before)
            before = low, high
    if before:
        yield _moments(before)


def _moments(piece: tuple[int, int]) -> tuple[datetime, datetime]:
    return EPOCH + timedelta(0, 0, piece[0]), EPOCH + timedelta(0, 0, piece[1])


@dataclass(frozen=True, slots=True)
class Sheet:
    """The work time of 64 UTC days, worked out: piece i runs [starts[i], ends[i]) in microseconds since 1970,
    and worked[i] of work time lie on this sheet before it. The last of `worked` is the `total`."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    worked: tuple[int, ...]
    total: int


def _worked(sheet: Sheet, moment: int) -> int:
    """The work time on the sheet before a moment of it."""
    index = bisect_right(sheet.starts, moment) - 1
    if index < 0:
        return 0
    return sheet.worked[index] + min(moment, sheet.ends[index]) - sheet.starts[index]


def _sheets_from(calendar: Calendar, number: int) -> Iterator[Sheet]:
    """Sheet after sheet, until ValueError when five years of them are empty."""
    idle = 0
    while idle <= PATIENCE:
        sheet = _sheet(calendar, number)
        yield sheet
        idle = 0 if sheet.total else idle + SHEET_DAYS
        number += 1
    day = _date(number * SHEET_DAYS)
    raise ValueError(f"calendar {calendar.name!r} has no work time in the five years before {day}")


def _sheet(calendar: Calendar, number: int) -> Sheet:
    known = calendar._sheets.get(number)
    if known is not None:
        return known
    days = range(max(number * SHEET_DAYS, DAYS.start), min((number + 1) * SHEET_DAYS, DAYS.stop))
    if not days:
        raise ValueError(f"calendar {calendar.name!r}: work time is reckoned for the years 1800 to 9999 only")
    pieces = _joined(sorted(piece for day in days for piece in _pieces(calendar, day)))
    worked = tuple(accumulate((high - low for low, high in pieces), initial=0))
    made = Sheet(tuple(low for low, _ in pieces), tuple(high for _, high in pieces), worked, worked[-1])
    if len(calendar._sheets) >= REMEMBERED:
        calendar._sheets.clear()
    calendar._sheets[number] = made
    return made


def _pieces(calendar: Calendar, day: int) -> Iterator[tuple[int, int]]:
    """Work of one UTC day. Local days would overlap where the clock goes back across midnight."""
    for low, high, offset in _steady(ZoneInfo(calendar.zone), day * 86_400, (day + 1) * 86_400):
        for local_day in range((low + offset) // 86_400, (high + offset - 1) // 86_400 + 1):
            shift = local_day * DAY - offset * SECOND
            for interval in _intervals(calendar, _date(local_day)):
                start = max(_microseconds(interval.start) + shift, low * SECOND)
                end = min(_microseconds(interval.end) + shift, high * SECOND)
                if start < end:
                    yield start, end


def _intervals(calendar: Calendar, on: date) -> tuple[Interval, ...]:
    dated = calendar.dates.get(on)
    return calendar.week[on.weekday()] if dated is None else dated


def _steady(zone: ZoneInfo, low: int, high: int) -> list[tuple[int, int, int]]:
    """[low, high), seconds since 1970, cut where the zone's offset changes: (from, to, offset in seconds)."""
    offset = _offset(zone, low)
    if offset == _offset(zone, high - 1):
        return [(low, high, offset)]
    before, after = low, high - 1
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if _offset(zone, middle) == offset else (before, middle)
    return [(low, after, offset), *_steady(zone, after, high)]


def _offset(zone: ZoneInfo, at: int) -> int:
    ahead = (EPOCH + timedelta(0, at)).astimezone(zone).utcoffset()
    return _microseconds(ahead) // SECOND if ahead else 0


def _joined(pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted pieces with those that touch or overlap made one."""
    joined: list[tuple[int, int]] = []
    for low, high in pieces:
        if joined and low <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], high)
        else:
            joined.append((low, high))
    return joined


def _microseconds(span: timedelta) -> int:
    return span.days * DAY + span.seconds * SECOND + span.microseconds


def _date(day: int) -> date:
    return date.fromordinal(FIRST_DAY + day)


def _clock(since_midnight: timedelta) -> str:
    minutes, seconds = divmod(_microseconds(since_midnight) // SECOND, 60)
    text = f"{minutes // 60:02d}:{minutes % 60:02d}"
    return f"{text}:{seconds:02d}" if seconds else text
