"""Read calendars as admins write them: weekdays, hours, dates, holidays."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from mailbot.config.yaml.scalars import fail, shown, suggest
from mailbot.domain.worktime import (
    DAY_NAMES,
    MIDNIGHT,
    Interval,
    clock_span,
    find_weekday,
    hours,
    read_weekdays,
)

if TYPE_CHECKING:
    from holidays import HolidayBase

YEARS_AHEAD = 5
MAX_DATES = 366  # in one line of `dates:`

_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\s+to\s+([0-9]{4}-[0-9]{2}-[0-9]{2}))?")

_MOMENT = re.compile(r"([a-zA-Z]+)\s+([0-9]{1,2})[:.]([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Holidays:
    """The holidays of a country by date, with their names.

    `estimated` are the coming ones that are not certain; `remarks` are warnings about them.
    """

    days: Mapping[date, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    estimated: frozenset[date] = frozenset()


def weekdays(value: object) -> tuple[int, ...]:
    """Read "mon-fri", "mon, wed", "saturday", "senin-jumat" as days, Monday 0."""
    try:
        days = read_weekdays(str(value))
    except ValueError as error:
        fail(*_no_weekday(str(error)))
    if len(set(days)) < len(days):
        fail(f"`{shown(value)}` names a day twice")
    return tuple(days)


def morning(value: object) -> timedelta:
    """Read "08:00" as the time since midnight, "off" as none."""
    text = value.strip() if isinstance(value, str) else ""
    if text == "off":
        return timedelta()
    try:
        at, _ = clock_span(f"{text}-24:00")
    except ValueError:
        at = timedelta()
    if not timedelta() < at < timedelta(hours=24):
        fail(f"`{shown(str(value))}` is no time of a morning mail", "write it like 08:00, or `off`")
    return at


def week_moment(value: object) -> tuple[int, timedelta]:
    """Read "mon 08:00" as the day, Monday 0, and the time since midnight."""
    found = _MOMENT.fullmatch(str(value).strip())
    if not found:
        fail(f"`{shown(value)}` is not a weekday with a time", "write it like mon 08:00")
    day, hour, minute = find_weekday(found[1]), int(found[2]), int(found[3])
    if day is None:
        fail(*_no_weekday(found[1]))
    if hour > 23 or minute > 59:
        fail(f"`{shown(value)}` is not a weekday with a time", "hours go from 00:00 to 23:59")
    return day, timedelta(hours=hour, minutes=minute)


def intervals(value: object) -> tuple[Interval, ...]:
    """Read "08:00-12:00, 13:00-17:00", a list of such, or "closed" as the intervals of a day, sorted."""
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        fail(f"hours are needed here, not {shown(value)}", "write them like 08:00-12:00, 13:00-17:00")
    parts = [part.strip() for text in texts for part in str(text).split(",")]
    if parts == ["closed"]:
        return ()
    found = sorted(_interval(part) for part in parts)
    for before, after in pairwise(found):
        if after.start < before.end:
            fail(f"{before} and {after} overlap")
    return tuple(found)


def quiet(value: object) -> tuple[Interval, ...]:
    """Read "21:00-07:00" as hours of every day; over midnight they are two intervals."""
    hint = "write them like 21:00-07:00"
    if not isinstance(value, str) or not value.strip():
        fail(f"quiet hours are needed here, not {shown(value) or 'nothing'}", hint)
    try:
        start, end = clock_span(value)
    except ValueError as error:
        fail(str(error), hint)
    if (start, end) == (timedelta(), MIDNIGHT) or start == end:
        fail(f"`{shown(value)}` is the whole day: no reminder would ever leave", hint)
    if start < end:
        return (Interval(start, end),)
    late, early = (start, MIDNIGHT), (timedelta(), end)
    return tuple(Interval(*each) for each in (late, early) if each[0] < each[1])


def dates(value: object) -> tuple[date, ...]:
    """Read "2026-12-31" or "2026-12-24 to 2027-01-02" as each date."""
    found = _DATE.fullmatch(str(value).strip())
    try:
        if not found:
            raise ValueError
        first = date.fromisoformat(found[1])
        last = date.fromisoformat(found[2] or found[1])
    except ValueError:
        fail(f"`{shown(value)}` is not a date", "write it like 2026-12-31, or 2026-12-24 to 2027-01-02")
    return date_range(first, last)


def one_date(value: object) -> date:
    found = dates(value)
    if len(found) > 1:
        fail(f"`{shown(value)}` is more than one date", "the first goes under `from`, the last under `to`")
    return found[0]


def date_range(first: date, last: date) -> tuple[date, ...]:
    """List each date from the first to the last, both included; at most a year."""
    if not 0 <= (last - first).days < MAX_DATES:
        fail(f"{first} to {last} runs backward or over more than a year")
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


def period_hours(
    days: tuple[date, ...], week: Mapping[tuple[int, ...], tuple[Interval, ...]]
) -> dict[date, tuple[Interval, ...]]:
    """Return the hours of the dates whose weekday is in `week`; the others keep their usual hours."""
    by_day = {day: open_at for named, open_at in week.items() for day in named}
    return {day: by_day[day.weekday()] for day in days if day.weekday() in by_day}


def country(value: object) -> str:
    """Read a country whose holidays are known, as two capital letters."""
    from holidays import list_supported_countries  # takes 0.1 s to import: only where holidays are used

    known = list_supported_countries()
    text = {"indonesia": "ID"}.get(str(value).lower(), str(value))
    if not isinstance(value, str) or text not in known:
        fail(
            f"no holidays are known for `{shown(value)}`", "write the country's two letters: ID is Indonesia"
        )
    return text


@lru_cache(maxsize=16)
def holidays_of(country: str, today: date, *, collective_leave: bool) -> Holidays:
    """Find a country's holidays from the year before `today` on, and which coming ones are estimates.

    `collective_leave` adds the days that the government gives as *cuti bersama*. ValueError where a country
    has none.
    """
    public = _load_holidays(country, today, "public")
    days = dict(public.items())
    if collective_leave:
        if "government" not in public.supported_categories:
            fail(f"`collective_leave` means nothing in {country}", "leave it out")
        government = _load_holidays(country, today, "government")
        days |= {day: name for day, name in government.items() if day not in days}
    estimated = frozenset(day for day, name in days.items() if "estimated" in name and _soon(day, today))
    remarks = tuple(_remarks(days, estimated, today, country if collective_leave else ""))
    return Holidays(days, remarks, estimated)


def _load_holidays(country: str, today: date, category: str) -> "HolidayBase":
    from holidays import country_holidays

    years = range(today.year - 1, today.year + YEARS_AHEAD + 1)
    found = country_holidays(country, years=years, categories=(category,))
    if "en_US" in found.supported_languages:
        found = country_holidays(country, years=years, categories=(category,), language="en_US")
    return found


def _remarks(
    days: Mapping[date, str], estimated: frozenset[date], today: date, leave_of: str
) -> Iterator[str]:
    if estimated:
        named = ", ".join(f"{day} {days[day].replace(' (estimated)', '')}" for day in sorted(estimated)[:6])
        yield f"these holidays are estimates until the government fixes them: {named}"
    year = (today + timedelta(days=60)).year
    if leave_of == "ID" and not any(day.year == year and "Joint" in name for day, name in days.items()):
        yield f"the installed `holidays` package does not know the collective leave (cuti bersama) of {year}"


def _soon(day: date, today: date) -> bool:
    return today <= day <= date(today.year + 1, 12, 31)


def _interval(text: str) -> Interval:
    try:
        return hours(text)
    except ValueError as error:
        hint = "write them like 08:00-12:00; past midnight: 22:00-24:00 here, 00:00-06:00 on the next day"
        fail(f"`{shown(text)}`: {str(error).partition(': ')[2] or error}", hint)


def _no_weekday(word: str) -> tuple[str, str]:
    return f"`{shown(word)}` is not a weekday", suggest(word, tuple(name[:3] for name in DAY_NAMES))
