"""Read when something is to happen, as agents write it: "besok 10.00", "3 jam", "Friday", "30 Nov", "2026-11-30"."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mailbot.domain.routing.patterns import Pattern
from mailbot.domain.worktime import UNITS, Calendar, find_weekday, open_intervals

FURTHEST = timedelta(days=90)
_END_OF_DAY = time(17)  # of a day on which nobody works
_DAYS_AHEAD = {
    **dict.fromkeys(("hari ini", "today", "sekarang"), 0),
    **dict.fromkeys(("besok", "bsk", "tomorrow"), 1),
    **dict.fromkeys(("lusa", "day after tomorrow"), 2),
}
_MONTHS = {
    name: month
    for month, names in enumerate((
        ("januari", "january", "jan"), ("februari", "february", "feb"), ("maret", "march", "mar"),
        ("april", "apr"), ("mei", "may"), ("juni", "june", "jun"), ("juli", "july", "jul"),
        ("agustus", "august", "agu", "ags", "aug"), ("september", "sept", "sep"),
        ("oktober", "october", "okt", "oct"), ("november", "nov"), ("desember", "december", "des", "dec"),
    ), 1)
    for name in names
}  # fmt: skip
_FILLERS = Pattern(
    r"^(?:sampai|sampe|until|till|hingga|dalam|in|by|pada|on|hari|pukul|jam|at|tanggal|tgl)\s+"
)
_SPAN = Pattern(r"([0-9]{1,4})\s*(\pL+)(?:\s+lagi)?")
_TIME = Pattern(r"(?:^|\s)(?:(?:pukul|jam|at)\s+)?([0-9]{1,2})[.:]([0-9]{2})(?:\s*(?:wib|wita|wit))?$")
_HOUR = Pattern(r"(?:^|\s)(?:pukul|jam|at)\s+([0-9]{1,2})(?:\s*(?:wib|wita|wit))?$")
_ISO_TIME = Pattern(r"^(\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2})t")
_ISO = Pattern(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_NUMERIC = Pattern(r"([0-9]{1,2})[/.-]([0-9]{1,2})(?:[/.-]([0-9]{4}))?")
_NAMED = Pattern(r"([0-9]{1,2})\s+(\pL+)\.?(?:\s+([0-9]{4}))?|(\pL+)\s+([0-9]{1,2})(?:,?\s+([0-9]{4}))?")


def read(text: str, now: datetime, calendar: Calendar) -> datetime:
    """Return the moment in UTC. A day without a time ends with its work hours. Raises ValueError.

    Days and times are those of the calendar's zone. A weekday, a time or a date without a year is the next one.
    """
    words = " ".join(_ISO_TIME.sub(r"\1 ", text.lower()).split())
    zone = ZoneInfo(calendar.zone)
    span = _SPAN.fullmatch(_without_fillers(words, keep=("hari",)))
    if span and span[2] in UNITS:
        return _after(int(span[1]), UNITS[span[2]], now, calendar, zone)
    words, at = _take_time(words)
    here = now.astimezone(zone)
    day = _day(_without_fillers(words), here.date()) if words else None
    if day is None and (words or at is None):
        raise ValueError(text)
    if day is None:
        assert at is not None
        moment = datetime.combine(here.date(), at, zone)
        return (moment if moment > here else moment + timedelta(days=1)).astimezone(UTC)
    return datetime.combine(day, at, zone).astimezone(UTC) if at else _end_of_work(day, calendar, zone)


def _after(count: int, unit: timedelta, now: datetime, calendar: Calendar, zone: ZoneInfo) -> datetime:
    if unit < timedelta(days=1):
        return now + count * unit
    return _end_of_work((now + count * unit).astimezone(zone).date(), calendar, zone)


def _without_fillers(words: str, keep: tuple[str, ...] = ()) -> str:
    while found := _FILLERS.match(words):
        if words in _DAYS_AHEAD or found[0].strip() in keep:
            break
        words = words[found.end() :]
    return words


def _take_time(words: str) -> tuple[str, time | None]:
    """Return the words without the time of day at their end, and that time."""
    if found := _TIME.search(words):
        hour, minute = int(found[1]), int(found[2])
    elif found := _HOUR.search(words):
        hour, minute = int(found[1]), 0
    else:
        return words, None
    return words[: found.start()].strip(" ,"), time(hour, minute)


def _day(words: str, today: date) -> date | None:
    if words in _DAYS_AHEAD:
        return today + timedelta(days=_DAYS_AHEAD[words])
    if (weekday := find_weekday(words)) is not None:
        return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
    if found := _ISO.fullmatch(words):
        return date(int(found[1]), int(found[2]), int(found[3]))
    if found := _NUMERIC.fullmatch(words):
        return _next(today, int(found[1]), int(found[2]), found[3])
    if found := _NAMED.fullmatch(words):
        day, month, year = (found[1], found[2], found[3]) if found[1] else (found[5], found[4], found[6])
        return _next(today, int(day), _MONTHS[month], year) if month in _MONTHS else None
    return None


def _next(today: date, day: int, month: int, year: str | None) -> date:
    if year:
        return date(int(year), month, day)
    this = date(today.year, month, day)
    return this if this >= today else date(today.year + 1, month, day)


def _end_of_work(day: date, calendar: Calendar, zone: ZoneInfo) -> datetime:
    start = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    intervals = list(open_intervals(calendar, start.astimezone(UTC), end.astimezone(UTC)))
    # Around the clock, the day ends as an office does.
    if not intervals or intervals[-1][1] >= end:
        return datetime.combine(day, _END_OF_DAY, zone).astimezone(UTC)
    return intervals[-1][1]
