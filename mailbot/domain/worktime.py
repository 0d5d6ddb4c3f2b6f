"""Compute work time: how much of it is between two moments, and when a span of it has passed.

One definition carries everything: a moment is work time when the local clock of the calendar's zone shows a
time inside one of that local day's intervals. So a local hour that daylight saving skips has no work time,
and one that it repeats counts twice. All moments are aware and results are UTC. Arithmetic is in whole
microseconds.

Theory of operation. A calendar is computed in blocks of 64 UTC days, on first use: the pieces of work time in
order, and how much is before each. Then both questions are a search in two sorted rows, and whole blocks in
between count by their totals.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from mailbot.domain.routing.patterns import Pattern

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_DAY = EPOCH.toordinal()
DAYS = range(date(1800, 1, 1).toordinal() - FIRST_DAY, date(9999, 12, 30).toordinal() - FIRST_DAY)
MIDNIGHT = timedelta(hours=24)
SECOND, DAY = 1_000_000, 86_400_000_000  # in microseconds
MAX_IDLE_DAYS = 5 * 366  # without any work time; then a calendar counts as closed for ever
BLOCK_DAYS = 64  # computed at once, in under a millisecond
BLOCK = BLOCK_DAYS * DAY
MAX_BLOCKS = 64  # kept of one calendar: eleven years

DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HOURS = Pattern(r"\s*([0-9]{1,2})[:.]([0-9]{2})\s*[-–—]\s*([0-9]{1,2})[:.]([0-9]{2})\s*")


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A part of one local day, [start, end), as time since 00:00 on the local clock; `end` may be 24:00."""

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

    `estimated` are those of `dates` that are not certain yet, such as holidays by the moon. () means closed.
    Intervals of a day may come in any order, touch or overlap: their union is open. Raises ValueError for a
    week that hasn't seven days and for an unknown zone.
    """

    name: str
    zone: str  # IANA: "Asia/Jakarta"
    week: tuple[tuple[Interval, ...], ...]
    dates: Mapping[date, tuple[Interval, ...]] = field(default_factory=dict, hash=False)
    estimated: frozenset[date] = frozenset()
    # A cache by the block's number, derived from the fields above.
    _blocks: "dict[int, Block]" = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.week) != 7:
            raise ValueError(f"calendar {self.name!r}: a week has seven days, not {len(self.week)}")
        try:
            ZoneInfo(self.zone)
        except (LookupError, ValueError, OSError) as error:  # no such key; a path; a directory
            raise ValueError(f"calendar {self.name!r}: {self.zone!r} is not a time zone") from error


ALWAYS = Calendar("always", "UTC", ((ALL_DAY,),) * 7)


def hours(text: str) -> Interval:
    """Read an interval such as "08:00-17:00" or "08.00 - 24.00". ValueError for anything else."""
    return Interval(*clock_span(text))


def clock_span(text: str) -> tuple[timedelta, timedelta]:
    """Read "22:00-06:00" as two times since midnight, in any order. ValueError for anything else."""
    found = HOURS.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r}: hours are written like 08:00-17:00")
    parts = [int(part) for part in found.groups()]
    start, end = timedelta(minutes=parts[0] * 60 + parts[1]), timedelta(minutes=parts[2] * 60 + parts[3])
    if max(parts[1], parts[3]) > 59 or max(start, end) > MIDNIGHT:
        raise ValueError(f"{text!r}: a day ends at 24:00, an hour has 60 minutes")
    return start, end


def local(calendar: Calendar, at: datetime) -> datetime:
    """Convert a moment to the calendar's local time."""
    return at.astimezone(ZoneInfo(calendar.zone))


def add(calendar: Calendar, start: datetime, span: timedelta) -> datetime:
    """Return the first moment at which `span` of work time has passed since `start`; for 0 it is `start`.

    Raises ValueError for a negative span and for a calendar that is closed for five years on end.
    """
    if span < timedelta():
        raise ValueError(f"work time runs forward: {span} can't be added")
    if not span:
        return start.astimezone(UTC)
    at = _microseconds(start - EPOCH)
    block = _block(calendar, at // BLOCK)
    left = _microseconds(span) + _worked(block, at)
    if left > block.total:
        for block in _blocks_from(calendar, at // BLOCK):
            if left <= block.total:
                break
            left -= block.total
    index = bisect_left(block.worked, left) - 1
    return EPOCH + timedelta(0, 0, block.starts[index] + left - block.worked[index])


def between(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """Return the work time in [start, end); 0 when `end` is not after `start`."""
    at, until = _microseconds(start - EPOCH), _microseconds(end - EPOCH)
    if until <= at:
        return timedelta()
    first, last = at // BLOCK, until // BLOCK
    spent = _worked(_block(calendar, last), until) - _worked(_block(calendar, first), at)
    for number in range(first, last):
        spent += _block(calendar, number).total
    return timedelta(0, 0, spent)


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Check whether a moment is work time."""
    moment = _microseconds(at - EPOCH)
    block = _block(calendar, moment // BLOCK)
    index = bisect_right(block.starts, moment) - 1
    return index >= 0 and moment < block.ends[index]


def next_open(calendar: Calendar, at: datetime) -> datetime:
    """Return the first moment of work time not before `at`. ValueError when none comes in five years."""
    moment = _microseconds(at - EPOCH)
    for block in _blocks_from(calendar, moment // BLOCK):
        index = bisect_right(block.ends, moment)
        if index < len(block.ends):
            return EPOCH + timedelta(0, 0, max(moment, block.starts[index]))
    raise AssertionError("unreachable: the blocks never end")


def open_intervals(calendar: Calendar, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """List the intervals of work time in [start, end), in order; none touches the next."""
    at, until = _microseconds(start - EPOCH), _microseconds(end - EPOCH)
    blocks = (_block(calendar, number) for number in range(at // BLOCK, until // BLOCK + 1))
    pieces = (piece for block in blocks for piece in zip(block.starts, block.ends, strict=True))
    clipped = ((max(low, at), min(high, until)) for low, high in pieces)
    for low, high in _joined([piece for piece in clipped if piece[0] < piece[1]]):
        yield EPOCH + timedelta(0, 0, low), EPOCH + timedelta(0, 0, high)


@dataclass(frozen=True, slots=True)
class Block:
    """The work time of 64 UTC days, in microseconds.

    Piece i is [starts[i], ends[i]) since 1970, with worked[i] of work time before it in this block. The last
    of `worked` is the `total`.
    """

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    worked: tuple[int, ...]
    total: int


def _worked(block: Block, moment: int) -> int:
    """Return the work time of a block before a moment in it."""
    index = bisect_right(block.starts, moment) - 1
    if index < 0:
        return 0
    return block.worked[index] + min(moment, block.ends[index]) - block.starts[index]


def _blocks_from(calendar: Calendar, number: int) -> Iterator[Block]:
    """List block after block; ValueError when five years of them are empty."""
    idle = 0
    while idle <= MAX_IDLE_DAYS:
        block = _block(calendar, number)
        yield block
        idle = 0 if block.total else idle + BLOCK_DAYS
        number += 1
    day = _date(number * BLOCK_DAYS)
    raise ValueError(f"calendar {calendar.name!r} has no work time in the five years before {day}")


def _block(calendar: Calendar, number: int) -> Block:
    known = calendar._blocks.get(number)
    if known is not None:
        return known
    days = range(max(number * BLOCK_DAYS, DAYS.start), min((number + 1) * BLOCK_DAYS, DAYS.stop))
    if not days:
        raise ValueError(f"calendar {calendar.name!r}: work time is defined for the years 1800 to 9999 only")
    pieces = _joined(sorted(piece for day in days for piece in _pieces(calendar, day)))
    worked = tuple(accumulate((high - low for low, high in pieces), initial=0))
    made = Block(tuple(low for low, _ in pieces), tuple(high for _, high in pieces), worked, worked[-1])
    if len(calendar._blocks) >= MAX_BLOCKS:
        calendar._blocks.clear()
    calendar._blocks[number] = made
    return made


def _pieces(calendar: Calendar, day: int) -> Iterator[tuple[int, int]]:
    """List the work time of one UTC day: local days overlap where the clock goes back across midnight."""
    for low, high, offset in _constant_offsets(ZoneInfo(calendar.zone), day * 86_400, (day + 1) * 86_400):
        for local_day in range((low + offset) // 86_400, (high + offset - 1) // 86_400 + 1):
            shift = local_day * DAY - offset * SECOND
            on = _date(local_day)
            for interval in calendar.dates.get(on, calendar.week[on.weekday()]):
                start = max(_microseconds(interval.start) + shift, low * SECOND)
                end = min(_microseconds(interval.end) + shift, high * SECOND)
                if start < end:
                    yield start, end


def _constant_offsets(zone: ZoneInfo, low: int, high: int) -> list[tuple[int, int, int]]:
    """Split [low, high), in seconds since 1970, by the zone's offset: (from, to, offset in seconds)."""
    offset = _offset(zone, low)
    if offset == _offset(zone, high - 1):
        return [(low, high, offset)]
    before, after = low, high - 1
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if _offset(zone, middle) == offset else (before, middle)
    return [(low, after, offset), *_constant_offsets(zone, after, high)]


def _offset(zone: ZoneInfo, at: int) -> int:
    ahead = (EPOCH + timedelta(0, at)).astimezone(zone).utcoffset()
    return _microseconds(ahead) // SECOND if ahead else 0


def _joined(pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join sorted pieces that touch or overlap."""
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


# --- quiet hours ------------------------------------------------------------------------------------------


def end_of_quiet_hours(at: datetime, quiet: Sequence[Interval], zone: str) -> datetime:
    """Return `at`, or the end of the quiet hours that it is in; hours that touch count as one interval.

    `quiet` are hours of every day on the local clock, such as 21:00-24:00 and 00:00-07:00. Where they have no
    end, return `at`.
    """
    moment, where = at, ZoneInfo(zone) if quiet else None
    for _ in range(len(quiet) + 1):
        local_time = moment.astimezone(where)
        midnight = datetime.combine(local_time.date(), time())
        since = local_time.replace(tzinfo=None) - midnight
        interval = next((one for one in quiet if one.start <= since < one.end), None)
        if interval is None:
            return moment
        end = midnight.replace(tzinfo=where) + interval.end
        # Where the clock goes back, an hour has two ends: the one of the pass that we are in.
        moment = max(end.replace(fold=local_time.fold).astimezone(UTC), moment)
    return at


def quiet_hours_text(quiet: Sequence[Interval]) -> str:
    """Write quiet hours as in the YAML: "21:00-07:00"."""
    if len(quiet) == 2 and quiet[0].end == MIDNIGHT and not quiet[1].start:
        return f"{str(quiet[0]).partition('-')[0]}-{str(quiet[1]).partition('-')[2]}"
    return ", ".join(map(str, quiet))


# --- words for weekdays and units of time, Indonesian and English, as admins and agents write them ---------------

_DAYS = (
    ("senin", "monday"),
    ("selasa", "tuesday"),
    ("rabu", "wednesday"),
    ("kamis", "thursday"),
    ("jumat", "jum'at", "friday"),
    ("sabtu", "saturday"),
    ("minggu", "ahad", "sunday"),
)
_SHORTEST = 3  # letters of a name that stand for it: sen, mon

UNITS: Mapping[str, timedelta] = {
    name: unit
    for unit, names in (
        (timedelta(seconds=1), "s sec second seconds detik dtk"),
        (timedelta(minutes=1), "m min mins minute minutes mnt menit"),
        (timedelta(hours=1), "h hour hours j jam"),
        (timedelta(days=1), "d day days hari"),
        (timedelta(weeks=1), "w week weeks pekan minggu"),
        (timedelta(days=366), "year years tahun"),  # what has to be kept for a year is
    )
    for name in names.split()
}


def find_weekday(word: str) -> int | None:
    """Return the day, Monday 0, for its name or the first three letters or more; None for another word."""
    begun = word.strip().lower()
    fitting = (day for day, names in enumerate(_DAYS) for name in names if name.startswith(begun))
    return next(fitting, None) if len(begun) >= _SHORTEST else None


def read_weekdays(written: str) -> list[int]:
    """Read "mon-fri", "senin, rabu" or "fri-mon" as days. Raises ValueError with the word that is none."""
    days = []
    for part in written.split(","):
        first, dash, last = part.partition("-")
        start, end = _weekday(first), _weekday(last if dash else first)
        days += [(start + step) % 7 for step in range((end - start) % 7 + 1)]
    return days


def _weekday(word: str) -> int:
    day = find_weekday(word)
    if day is None:
        raise ValueError(word.strip())
    return day
