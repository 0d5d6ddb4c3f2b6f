"""Stretches of dates with hours of their own, as Ramadan has: what two of them in one calendar may not do."""

from collections.abc import Iterator
from datetime import date

from mailbot.config.yaml import calendars
from mailbot.config.yaml.lookup import Files, find
from mailbot.config.yaml.scalars import shown
from mailbot.config.yaml.source import Place
from mailbot.errors import Problem


def check(files: Files) -> list[Problem]:
    """Periods that overlap, and weekdays that stand in two lines of one."""
    return [*_overlapping(files), *_weekdays_twice(files)]


def _overlapping(files: Files) -> Iterator[Problem]:
    taken: dict[tuple[Place, date], str] = {}
    for place, period in find(files.escalation.data, "calendars", "*", "periods", "*"):
        if not isinstance(period, dict):
            continue
        name = shown(period.get("name"))
        days = {(place[:2], day) for day in _days(period)}
        if both := sorted(days & taken.keys()):
            message = f"`{name}` and `{taken[both[0]]}` both hold on {both[0][1]}"
            yield files.escalation.at_value((*place, "from"), message, "each date can lie in one period")
        taken |= dict.fromkeys(days, name)


def _days(period: dict[str, object]) -> tuple[date, ...]:
    try:
        return calendars.stretch(calendars.one_date(period.get("from")), calendars.one_date(period.get("to")))
    except ValueError:
        return ()  # `files` says so


def _weekdays_twice(files: Files) -> Iterator[Problem]:
    for place, lines in find(files.escalation.data, "calendars", "*", "periods", "*", "hours"):
        taken: set[int] = set()
        for line in lines if isinstance(lines, dict) else ():
            try:
                days = set(calendars.weekdays(line))
            except ValueError:
                continue  # `files` says so
            if days & taken:
                message = f"a day of `{shown(line)}` stands above already"
                yield files.escalation.at_key((*place, line), message, "each day can have one line")
            taken |= days
