"""What must agree inside escalation.yaml: priorities and ladders, steps and targets, days and hours."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta

from mailbot.config.checks import actions
from mailbot.config.yaml import calendars, scalars
from mailbot.config.yaml.lookup import Files, find, names, texts
from mailbot.config.yaml.scalars import close_to, shown
from mailbot.config.yaml.source import Place, Source
from mailbot.domain.model import Target
from mailbot.domain.policy import Moment
from mailbot.domain.routing.conditions import PRIORITIES
from mailbot.errors import Problem

MOVES = ("escalate_to", "hand_over_to", "reassign")  # somebody else has the ticket then
ACTIONS = ("remind", *MOVES, "ask_decision", "notify", "tell_customer")


def check(files: Files) -> list[Problem]:
    """Every disagreement found in escalation.yaml itself."""
    checks = (_priorities, _ladders, _steps, _categories, _public_levels, _days)
    return [problem for each in checks for problem in each(files)]


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
        if isinstance(step, dict):
            yield from _does_something(source, place, step)
            yield from _acknowledged(source, place, step)
            yield from _asked(source, place, step)
            if step.get("reassign") is True and (step.get("escalate_to") or step.get("hand_over_to")):
                message = "it goes to somebody else anyway: the step names another level or team"
                yield source.at_key((*place, "reassign"), message, "leave `reassign` out")


def _does_something(source: Source, place: Place, step: Mapping[str, object]) -> Iterator[Problem]:
    if not any(step.get(name) for name in ACTIONS) and not set(step) - {"at", "acknowledge_within"}:
        yield source.at_value(place, "this step does nothing", f"give it one of: {', '.join(ACTIONS)}")


def _acknowledged(source: Source, place: Place, step: Mapping[str, object]) -> Iterator[Problem]:
    if "acknowledge_within" in step and not any(step.get(name) for name in (*MOVES, "ask_decision")):
        hint = "it goes with escalate_to, hand_over_to, reassign or ask_decision"
        yield source.at_key(
            (*place, "acknowledge_within"), "there is no new owner who could acknowledge", hint
        )


def _asked(source: Source, place: Place, step: Mapping[str, object]) -> Iterator[Problem]:
    """A question has its text and options that can be told apart, and a step of its own."""
    if not step.get("ask_decision"):
        for name in ("question", "options"):
            if name in step:
                yield source.at_key((*place, name), "nobody is asked", "ask_decision: management")
        return
    if not step.get("question"):
        hint = "question: May we refund in full?"
        yield source.at_value((*place, "ask_decision"), "what they are asked is missing", hint)
    for name in MOVES:
        if step.get(name):
            message = "whoever is asked to decide does not get the ticket"
            yield source.at_key((*place, name), message, "put it in a step of its own")
    options = [text.casefold() for _, text in texts(step, "options", "*")]
    if isinstance(step.get("options"), list) and len(set(options)) < max(2, len(options)):
        message = "there must be two options or more, and no two alike"
        yield source.at_value((*place, "options"), message, "options: [yes, no]")


def _categories(files: Files) -> Iterator[Problem]:
    """Categories that `escalate_to` names and no ticket can have."""
    known = _known_categories(files)
    for place, levels in find(files.escalation.data, "ladders", "*", "steps", "*", "escalate_to"):
        for category in levels if isinstance(levels, dict) and known else ():
            if category not in (*known, scalars.OTHER):
                message = f"there is no category `{shown(category)}`"
                yield files.escalation.at_key((*place, category), message, close_to(str(category), known))


def _known_categories(files: Files) -> tuple[str, ...]:
    """The tree's, with what stands above each; without a tree those of the rules; () when nobody can say."""
    data = files.routing.data
    if not isinstance(data, dict):
        return ()
    given = actions.paths(data.get("categories")) or [
        category for _, category in texts(data, "rules", "*", "then", "category")
    ]
    parts = (category.split("/") for category in (*given, actions.GENERAL))
    return tuple(dict.fromkeys("/".join(each[:n]) for each in parts for n in range(1, len(each) + 1)))


def _public_levels(files: Files) -> Iterator[Problem]:
    known = names(files, "level")
    for place, _ in find(files.teams.data, "public_levels", "*"):
        if known is not None and place[-1] not in known:
            message = f"there is no level `{shown(place[-1])}`"
            yield files.teams.at_key(place, message, close_to(str(place[-1]), known))


def _days(files: Files) -> Iterator[Problem]:
    """A weekday or a date that stands in two lines of a calendar: which of them holds?"""
    readers: tuple[tuple[str, Callable[[object], Collection[object]]], ...] = (
        ("hours", calendars.weekdays),
        ("dates", calendars.dates),
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
            found[Target(str(place[0]))] = scalars.duration(text)
        except ValueError:
            continue  # `files` says so
    return found


def _moment(text: str) -> Moment | None:
    try:
        return scalars.moment(text)
    except ValueError:
        return None  # `files` says so
