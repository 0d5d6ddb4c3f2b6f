"""Check what must agree inside escalation.yaml: priorities and ladders, steps and targets, days and hours."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, timedelta
from typing import TypeVar

from mailbot.config.checks import actions
from mailbot.config.yaml import calendars, scalars
from mailbot.config.yaml.lookup import Files, find, texts, unknown
from mailbot.config.yaml.scalars import shown, suggest, suggest_of_scale
from mailbot.config.yaml.source import Place, Source
from mailbot.domain.model import Target
from mailbot.domain.routing.conditions import PRIORITIES
from mailbot.errors import Problem

MOVES = ("escalate_to", "hand_over_to", "reassign")  # each changes the assignee
ACTIONS = ("remind", *MOVES, "ask_decision", "notify", "tell_customer")

_Value = TypeVar("_Value")
_Result = TypeVar("_Result")


def check(files: Files) -> list[Problem]:
    """List every disagreement inside escalation.yaml."""
    checks = (_priorities, _ladders, _steps, _categories, _repeated_days, _overlapping_periods)
    return [problem for test in checks for problem in test(files)]


def _priorities(files: Files) -> Iterator[Problem]:
    source = files.escalation
    given = dict(next((value for _, value in find(source.data, "priorities") if isinstance(value, dict)), {}))
    for name in given:
        if name not in PRIORITIES:
            message, _ = unknown("priority", name, PRIORITIES)
            yield source.at_key(("priorities", name), message, suggest_of_scale(str(name), PRIORITIES))
    missing = [name for name in PRIORITIES if name not in given]
    if given and missing:
        message = f"no ladder for the priority {', '.join(f'`{name}`' for name in missing)}"
        yield source.at_key(("priorities",), message, "every priority needs one")


def _ladders(files: Files) -> Iterator[Problem]:
    for place, ladder in find(files.escalation.data, "ladders", "*"):
        if isinstance(ladder, dict) and isinstance(ladder.get("targets"), dict):
            if not any(value is not None for value in ladder["targets"].values()):
                message, hint = "this ladder promises nothing", "give it a first_response"
                yield files.escalation.at_key((*place, "targets"), message, hint)
            yield from _moments(files.escalation, place, ladder, ladder["targets"])


def _moments(
    source: Source, ladder_at: Place, ladder: Mapping[str, object], targets: Mapping[str, object]
) -> Iterator[Problem]:
    """Check that steps refer to the ladder's targets, and are in the order in which they come due."""
    spans = {target: _try(scalars.duration, targets.get(target)) for target in Target}
    latest: dict[Target, timedelta] = {}
    for place, text in texts(ladder, "steps", "*", "at"):
        moment, where = _try(scalars.moment, text), (*ladder_at, *place)
        if moment is None:
            continue
        target = moment.target
        if targets.get(target) is None:
            hint = suggest(target, tuple(targets))
            yield source.at_value(where, f"this ladder has no target `{target}`", hint)
        if (span := spans[target]) is None:
            continue
        due = span * moment.share + moment.offset
        if due < timedelta():
            yield source.at_value(where, f"comes due before the ticket is opened: {target} is only {span}")
        elif due < latest.get(target, timedelta()):
            message = "comes due before a step above it"
            yield source.at_value(where, message, "put the steps in the order they come due")
        latest[target] = max(due, latest.get(target, timedelta()))


def _steps(files: Files) -> Iterator[Problem]:
    source = files.escalation
    for place, step in find(source.data, "ladders", "*", "steps", "*"):
        if isinstance(step, dict):
            yield from _actions(source, place, step)
            yield from _question(source, place, step)


def _actions(source: Source, place: Place, step: Mapping[str, object]) -> Iterator[Problem]:
    if not any(step.get(name) for name in ACTIONS) and not set(step) - {"at", "acknowledge_within"}:
        yield source.at_value(place, "this step does nothing", f"give it one of: {', '.join(ACTIONS)}")
    if "acknowledge_within" in step and not any(step.get(name) for name in (*MOVES, "ask_decision")):
        hint = "it goes with escalate_to, hand_over_to, reassign or ask_decision"
        yield source.at_key((*place, "acknowledge_within"), "no new owner could acknowledge", hint)
    if step.get("reassign") is True and (step.get("escalate_to") or step.get("hand_over_to")):
        message = "it goes to somebody else anyway: the step names another level or team"
        yield source.at_key((*place, "reassign"), message, "leave `reassign` out")


def _question(source: Source, place: Place, step: Mapping[str, object]) -> Iterator[Problem]:
    """Check that a question has its text, options that differ, and a step of its own."""
    if not step.get("ask_decision"):
        for name in ("question", "options"):
            if name in step:
                yield source.at_key((*place, name), "nobody is asked", "ask_decision: management")
        return
    if not step.get("question"):
        hint = "question: May we refund in full?"
        yield source.at_value((*place, "ask_decision"), "the question itself is missing", hint)
    for name in MOVES:
        if step.get(name):
            message = "whoever is asked to decide does not get the ticket"
            yield source.at_key((*place, name), message, "put it in a step of its own")
    options = [text.casefold() for _, text in texts(step, "options", "*")]
    if isinstance(step.get("options"), list) and len(set(options)) < max(2, len(options)):
        message = "there must be two options or more, and no two alike"
        yield source.at_value((*place, "options"), message, "options: [yes, no]")


def _categories(files: Files) -> Iterator[Problem]:
    """Report categories in `escalate_to` that no ticket can have."""
    known = actions.known_categories(files)
    for place, levels in find(files.escalation.data, "ladders", "*", "steps", "*", "escalate_to"):
        for category in levels if isinstance(levels, dict) and known else ():
            if category not in (*known, actions.GENERAL, scalars.OTHER):
                yield files.escalation.at_key((*place, category), *unknown("category", category, known))


def _repeated_days(files: Files) -> Iterator[Problem]:
    """Report a weekday or a date in two lines of one calendar or period: each day can have one line."""
    readers: tuple[tuple[tuple[str, ...], Callable[[object], Collection[object]]], ...] = (
        (("hours",), calendars.weekdays),
        (("dates",), calendars.dates),
        (("periods", "*", "hours"), calendars.weekdays),
    )
    for pattern, reader in readers:
        for place, lines in find(files.escalation.data, "calendars", "*", *pattern):
            taken: set[object] = set()
            for line in lines if isinstance(lines, dict) else ():
                days = set(_try(reader, line) or ())
                if days & taken:
                    message = f"a day of `{shown(line)}` is already in a line above"
                    yield files.escalation.at_key((*place, line), message, "each day can have one line")
                taken |= days


def _overlapping_periods(files: Files) -> Iterator[Problem]:
    taken: dict[tuple[Place, date], str] = {}
    for place, period in find(files.escalation.data, "calendars", "*", "periods", "*"):
        if not isinstance(period, dict):
            continue
        name, days = shown(period.get("name")), {(place[:2], day) for day in _try(_dates_of, period) or ()}
        if both := sorted(days & taken.keys()):
            message = f"`{name}` and `{taken[both[0]]}` both include {both[0][1]}"
            yield files.escalation.at_value((*place, "from"), message, "each date can be in one period")
        taken |= dict.fromkeys(days, name)


def _dates_of(period: dict[str, object]) -> tuple[date, ...]:
    first, last = (calendars.one_date(period.get(key)) for key in ("from", "to"))
    return calendars.date_range(first, last)


def _try(reader: Callable[[_Value], _Result], value: _Value) -> _Result | None:
    """Read a value; None for one that is wrong, which the models report."""
    try:
        return reader(value)
    except ValueError:
        return None
