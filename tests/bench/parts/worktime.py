"""The cost of work time: a million computations over usual calendars.

python -m tests.bench worktime
"""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TypeVar

from mailbot.config.yaml.calendars import date_range, holidays_of, period_hours
from mailbot.domain.worktime import Calendar, Interval, add, between, hours, is_open
from tests.bench.figures import Run

R = TypeVar("R")
OFFICE = (hours("08:00-12:00"), hours("13:00-17:00"))
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
YEARS = timedelta(days=3 * 365)
SPANS = tuple(timedelta(hours=hours_) for hours_ in (0.25, 1, 4, 8, 24, 40, 160))


async def once(count: int) -> Run:
    named, random = calendars(), Random(count)
    size = count // (3 * len(named))
    measures: dict[str, float] = {}
    spent, wrong = 0.0, 0
    for name, calendar in named.items():
        starts = [FIRST + YEARS * random.random() for _ in range(size)]
        took, wrong_here = _measured(calendar, starts, random.choices(SPANS, k=size))
        measures |= {f"{name}: {what} (us)": 1e6 * seconds / size for what, seconds in took.items()}
        spent, wrong = spent + sum(took.values()), wrong + wrong_here
    done = 3 * len(named) * size
    measures["all of them (us each)"] = 1e6 * spent / done
    measures["a year worked out anew (ms)"] = _anew(named["WIB, holidays, Ramadan"])
    said = f"{done:,} computations in {spent:.1f} s, over three years, spans up to 160 h of work"
    return Run(measures, {"spans that were not what was added": wrong}, (said,))


def _measured(
    calendar: Calendar, starts: list[datetime], spans: list[timedelta]
) -> tuple[dict[str, float], int]:
    """Return seconds of each kind of computation, and the number of wrong results."""
    same = [calendar] * len(starts)
    ends, adding = _timed(lambda: list(map(add, same, starts, spans)))
    back, counting = _timed(lambda: list(map(between, same, starts, ends)))
    _, looking = _timed(lambda: list(map(is_open, same, starts)))
    wrong = sum(found != span for found, span in zip(back, spans, strict=True))
    return {"add": adding, "between": counting, "is open": looking}, wrong


def calendars() -> dict[str, Calendar]:
    week: tuple[tuple[Interval, ...], ...] = (*((OFFICE,) * 5), (hours("08:00-12:00"),), ())
    off = dict.fromkeys(holidays_of("ID", FIRST.date(), collective_leave=True).days, ())
    fasting = date_range(date(2026, 2, 19), date(2026, 3, 20))
    dates = period_hours(fasting, {(0, 1, 2, 3, 4): (hours("08:00-15:00"),)}) | off
    return {
        "WIB, holidays, Ramadan": Calendar("office", "Asia/Jakarta", week, dates),
        "Berlin, daylight saving": Calendar("office", "Europe/Berlin", week),
        "night shift, WITA": Calendar(
            "night", "Asia/Makassar", ((hours("22:00-24:00"), hours("00:00-06:00")),) * 7
        ),
        "always": Calendar("always", "UTC", ((hours("00:00-24:00"),),) * 7),
    }


def _timed(ask: Callable[[], R]) -> tuple[R, float]:
    start = time.perf_counter()
    found = ask()
    return found, time.perf_counter() - start


def _anew(calendar: Calendar) -> float:
    """Return milliseconds for a calendar without cached values."""
    fresh = Calendar(calendar.name, calendar.zone, calendar.week, calendar.dates)
    return 1e3 * _timed(lambda: between(fresh, FIRST, FIRST + timedelta(days=365)))[1]
