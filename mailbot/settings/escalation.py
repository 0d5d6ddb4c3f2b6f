"""What must agree inside escalation.yaml: priorities and ladders, steps and targets, days and hours."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta

from mailbot.core.model import Target
from mailbot.core.policy import Moment
from mailbot.core.routing import PRIORITIES
from mailbot.errors import Problem
from mailbot.settings import hours, values
from mailbot.settings.raw import Files, find, texts
from mailbot.settings.source import Place, Source
from mailbot.settings.values import close_to, shown


def check(files: Files) -> list[Problem]:
    """Every disagreement found in escalation.yaml itself."""
    return [*_priorities(files), *_ladders(files), *_steps(files), *_days(files)]


def _priorities(files: Files) -> Iterator[Problem]:
    source = files.escalation
    given = dict(next((value for _, value in find(source.data, "priorities") if isinstance(value, dict)), {}))
    for name in given:
        if name not in PRIORITIES:
            yield source.at_key(
                ("priorities", name), f"there is no priority `{shown(name)}`", close_to(name, PRIORITIES)
            )
    missing = [name for name in PRIORITIES if name not in given]
    if given and missing:
        named = ", ".join(f"`{name}`" for name in missing)
        yield source.at_key(
            ("priorities",), f"no ladder for the priority {named}", "every priority needs one"
        )


def _ladders(files: Files) -> Iterator[Problem]:
    for place, ladder in find(files.escalation.data, "ladders", "*"):
        if isinstance(ladder, dict) and isinstance(ladder.get("targets"), dict):
            yield from _targets(files.escalation, place, ladder["targets"])
            yield from _moments(files.escalation, place, ladder)


def _targets(source: Source, place: Place, targets: Mapping[str, object]) -> Iterator[Problem]:
    if not any(value is not None for value in targets.values()):
        yield source.at_key((*place, "targets"), "this ladder promises nothing", "give it a first_response")


def _moments(source: Source, ladder_at: Place, ladder: Mapping[str, object]) -> Iterator[Problem]:
    """Steps hang on targets that the ladder has, and stand in the order in which they come due."""
    given = ladder["targets"] if isinstance(ladder["targets"], dict) else {}
    targets = _spans(given)
    latest: dict[Target, timedelta] = {}
    for place, text in texts(ladder, "steps", "*", "at"):
        moment = _moment(text)
        where = (*ladder_at, *place)
        if moment and given.get(moment.target) is None:
            hint = close_to(moment.target, tuple(given))
            yield source.at_value(where, f"this ladder has no target `{moment.target}`", hint)
        if moment is None or moment.target not in targets:
            continue
        due = targets[moment.target] * moment.share + moment.offset
        if due < timedelta():
            yield source.at_value(
                where, f"lies before the ticket: {moment.target} is only {targets[moment.target]}"
            )
        elif due < latest.get(moment.target, timedelta()):
            yield source.at_value(
                where, "comes due before a step above it", "put the steps in the order they come due"
            )
        latest[moment.target] = max(due, latest.get(moment.target, timedelta()))


def _steps(files: Files) -> Iterator[Problem]:
    source = files.escalation
    for place, step in find(source.data, "ladders", "*", "steps", "*"):
        if not isinstance(step, dict):
            continue
        moves = step.get("escalate_to") or step.get("hand_over_to")
        if not (moves or step.get("remind") or step.get("notify") or step.get("tell_customer")):
            hint = "remind, escalate_to, hand_over_to, notify or tell_customer"
            if not set(step) - {"at", "acknowledge_within"}:
                yield source.at_value(place, "this step does nothing", f"give it one of: {hint}")
        if "acknowledge_within" in step and not moves:
            hint = "it goes with escalate_to or hand_over_to"
            yield source.at_key(
                (*place, "acknowledge_within"), "there is no new owner who could acknowledge", hint
            )


def _days(files: Files) -> Iterator[Problem]:
    """A weekday or a date that stands in two lines of a calendar: which of them holds?"""
    readers: tuple[tuple[str, Callable[[object], Collection[object]]], ...] = (
        ("hours", hours.weekdays),
        ("dates", hours.dates),
    )
    for key, reader in readers:
        for place, lines in find(files.escalation.data, "calendars", "*", key):
            taken: set[object] = set()
            for line in lines if isinstance(lines, dict) else ():
                days = set(_read(reader, line))
                if days & taken:
                    hint = "each day can have one line"
                    yield files.escalation.at_key(
                        (*place, line), f"a day of `{line}` stands above already", hint
                    )
                taken |= days


def _read(reader: Callable[[object], Collection[object]], text: str) -> Collection[object]:
    try:
        return reader(text)
    except ValueError:
        return ()  # `files` says so


def _spans(targets: object) -> dict[Target, timedelta]:
    found = {}
    for place, text in texts(targets, "*"):
        try:
            found[Target(str(place[0]))] = values.duration(text)
        except ValueError:
            continue  # `files` says so
    return found


def _moment(text: str) -> Moment | None:
    try:
        return values.moment(text)
    except ValueError:
        return None  # `files` says so
