"""Steps of a ladder that do nothing: others did it before, nobody is there, what one does another undoes."""

from collections.abc import Iterable, Iterator
from itertools import combinations

from mailbot.analysis.lint.finding import Finding, Severity
from mailbot.analysis.lint.ladders.cases import Desk, at_step, proven, said, spot
from mailbot.analysis.lint.ladders.runs import Taken
from mailbot.analysis.lint.routes import Route
from mailbot.domain import ladder
from mailbot.domain.policy import Ladder, Policy, Step

IN_VAIN, TWICE, OVERRIDDEN, NOBODY = "step-in-vain", "step-twice", "step-overridden", "nobody-there"


def find(desk: Desk) -> Iterator[Finding]:
    for mine in desk.policy.ladders.values():
        among = desk.on(mine.name)
        if not among or not desk.routes.complete:
            continue
        doubled: set[int] = set()
        for first, second in _at_once(mine):
            found = list(_together(desk, mine, first, second, among))
            doubled |= {second} if any(each.kind == TWICE for each in found) else set()
            yield from found
        for index, step in enumerate(mine.steps):
            yield from _nobody(desk, mine, index, step)
            yield from _alone(desk, mine, index, among)
            if index not in doubled:
                yield from _escalates(desk, mine, index, among)
                yield from _hands_over(desk, mine, index, among)
                yield from _reassigns(desk, mine, index)


# --- one step ---------------------------------------------------------------------------------------------


def _nobody(desk: Desk, mine: Ladder, index: int, step: Step) -> Iterator[Finding]:
    """A level that a step names and where nobody works, in no team."""
    named = {
        "escalate_to": {step.escalate_to, *step.escalate_by_category.values()},
        "ask_decision": {step.ask_decision},
    }
    for key, levels in named.items():
        for level in sorted(levels - {""}):
            if ladder.agents_at(desk.policy, "", level):
                continue
            yield from proven(
                desk,
                Finding(
                    NOBODY,
                    Severity.FAULT,
                    spot(mine.name, index, key),
                    f"{said(mine, index)} leads to {level}, where nobody works",
                    "give an agent this level, or name another",
                    (mine.name, level),
                ),
                desk.on(mine.name),
                at_step(desk, index, lambda taken: f"then it stands at {taken.after.level}"),
            )


def _alone(desk: Desk, mine: Ladder, index: int, among: list[Route]) -> Iterator[Finding]:
    """What a step does and undoes by itself."""
    step = mine.steps[index]
    if step.remind == "assignee" and not ladder.only_reminds(step) and _moves(step):
        yield from proven(
            desk,
            Finding(
                TWICE,
                Severity.REMARK,
                spot(mine.name, index, "remind"),
                f"{said(mine, index)} reminds the new owner of what it has told the same moment",
                "`remind: team`, or nothing: whoever gets a ticket is told",
                (mine.name,),
            ),
            among,
            at_step(desk, index, _told_twice, lambda taken: len(set(taken.told)) < len(taken.told)),
        )
    borrowed = [each for each in among if _borrows(desk.policy, step, each)]
    if borrowed:
        level = ladder.level_of(step, borrowed[0].category)
        yield from proven(
            desk,
            Finding(
                OVERRIDDEN,
                Severity.REMARK,
                spot(mine.name, index, "hand_over_to"),
                f"{said(mine, index)} hands over to {step.hand_over_to} and raises to {level}, where "
                f"{step.hand_over_to} has nobody: somebody of another team gets it",
                "hand over to a team that has this level, or leave one of them out",
                (mine.name, step.hand_over_to, level),
            ),
            borrowed,
            at_step(desk, index, lambda taken: f"{taken.after.assignee} has it then"),
        )


def _told_twice(taken: Taken) -> str:
    return f"{taken.after.assignee} gets two mails at once"


def _moves(step: Step) -> bool:
    return bool(step.escalate_to or step.escalate_by_category or step.hand_over_to or step.reassign)


def _borrows(policy: Policy, step: Step, route: Route) -> bool:
    level = ladder.level_of(step, route.category)
    if not step.hand_over_to or step.hand_over_to not in policy.teams or not level:
        return False
    own = policy.teams[step.hand_over_to].agents
    raised = ladder.rank_of(policy, level) > ladder.rank_of(policy, route.level)
    return raised and not any(agent.level == level for agent in own)


# --- two steps at one moment ------------------------------------------------------------------------------


def _at_once(mine: Ladder) -> Iterator[tuple[int, int]]:
    for first, second in combinations(range(len(mine.steps)), 2):
        one, other = mine.steps[first].at, mine.steps[second].at
        span = mine.targets.get(one.target)
        if span is None or one.target is not other.target:
            continue
        if ladder.offset_of(mine.steps[first], span) == ladder.offset_of(mine.steps[second], span):
            yield first, second


def _together(desk: Desk, mine: Ladder, first: int, second: int, among: list[Route]) -> Iterator[Finding]:
    one, other = mine.steps[first], mine.steps[second]
    if _adds_nothing(desk.policy, one, other, among):
        yield from proven(
            desk,
            Finding(
                TWICE,
                Severity.FAULT,
                spot(mine.name, second),
                f"{said(mine, second)} does only what step {first + 1} has done at the same moment",
                "leave it out, or give it another moment",
                (mine.name,),
            ),
            among,
            at_step(desk, second, lambda _: f"steps {first + 1} and {second + 1} come at once"),
        )
    elif what := _undone(desk.policy, one, other, among):
        yield from proven(
            desk,
            Finding(
                OVERRIDDEN,
                Severity.FAULT,
                spot(mine.name, first),
                f"{said(mine, first)} {what[0]}, and step {second + 1} at the same moment {what[1]}",
                "leave one of them out, or give them different moments",
                (mine.name,),
            ),
            among,
            at_step(desk, second, lambda taken: f"then it stands at {taken.after.level}"),
        )


def _adds_nothing(policy: Policy, one: Step, other: Step, among: Iterable[Route]) -> bool:
    if other.reassign or not _does(other) <= _does(one):
        return False
    for route in among:
        levels = [ladder.rank_of(policy, ladder.level_of(step, route.category)) for step in (one, other)]
        if levels[1] > levels[0]:
            return False
    return True


def _does(step: Step) -> set[tuple[str, object]]:
    done: set[tuple[str, object]] = {("notify", each) for each in step.notify}
    for name in ("remind", "hand_over_to", "tell_customer", "ask_decision"):
        if getattr(step, name):
            done.add((name, getattr(step, name)))
    if step.ask_decision:
        done.add(("question", (step.question, step.options)))
    return done


def _undone(policy: Policy, one: Step, other: Step, among: Iterable[Route]) -> tuple[str, str] | None:
    """What the first does and the second undoes for every ticket, in words."""
    if one.hand_over_to and other.hand_over_to and one.hand_over_to != other.hand_over_to:
        return f"hands over to {one.hand_over_to}", f"to {other.hand_over_to}"
    if one.ask_decision and other.ask_decision:
        return f"asks {one.ask_decision} to decide", "asks something else, which puts that aside"
    pairs = [[ladder.level_of(step, route.category) for step in (one, other)] for route in among]
    if all(low and ladder.rank_of(policy, low) < ladder.rank_of(policy, high) for low, high in pairs):
        low, high = pairs[0]
        return f"raises to {low}", f"to {high}"
    return None


# --- steps that come too late -----------------------------------------------------------------------------


def _escalates(desk: Desk, mine: Ladder, index: int, among: list[Route]) -> Iterator[Finding]:
    """A level at which every ticket stands already when the step comes."""
    wanted = [each for each in among if ladder.level_of(mine.steps[index], each.category)]
    before = always_before(mine)[index] if wanted else frozenset()
    reached = {each: _reached(desk.policy, mine, index, each, before) for each in wanted}
    if not wanted or not all(reached.values()):
        return
    route = min(wanted, key=lambda each: ladder.rank_of(desk.policy, each.level))
    level = ladder.level_of(mine.steps[index], route.category)
    # Rules that will be written may start lower, so that only the lowest level can't be meant.
    fault = not _starts_there(desk.policy, mine, index, route) or level == desk.policy.levels[0]
    yield from proven(
        desk,
        Finding(
            IN_VAIN,
            Severity.FAULT if fault else Severity.NOTE,
            spot(mine.name, index, "escalate_to"),
            f"{said(mine, index)} never raises a ticket to {level}: {reached[route]}",
            "name a higher level; to bring it up again, `remind`",
            (mine.name, level),
        ),
        sorted(wanted, key=lambda each: ladder.rank_of(desk.policy, each.level)),
        at_step(desk, index, lambda taken: f"it stands at {taken.before.level} and stays there"),
    )


def _reached(policy: Policy, mine: Ladder, index: int, route: Route, earlier: frozenset[int]) -> str:
    """Why a ticket of this route stands as high as the step would raise it, whatever happened; "" where it
    may stand lower."""
    if _starts_there(policy, mine, index, route):
        return f"tickets on it start at {route.level}"
    wanted = ladder.rank_of(policy, ladder.level_of(mine.steps[index], route.category))
    for before in sorted(earlier):
        level = ladder.level_of(mine.steps[before], route.category)
        if ladder.rank_of(policy, level) >= wanted:
            return f"step {before + 1} has raised it to {level} before"
    return ""


def _starts_there(policy: Policy, mine: Ladder, index: int, route: Route) -> bool:
    wanted = ladder.rank_of(policy, ladder.level_of(mine.steps[index], route.category))
    return ladder.rank_of(policy, route.level) >= wanted


def always_before(mine: Ladder) -> list[frozenset[int]]:
    """For each step those that were taken before it however it comes: by its own clock, or at once because
    nobody confirmed or decided after an earlier step."""
    found: list[frozenset[int]] = []
    for index, step in enumerate(mine.steps):
        span = mine.targets.get(step.at.target)
        due = ladder.offset_of(step, span) if span else None
        ways = [
            frozenset(
                other
                for other, each in enumerate(mine.steps[:index])
                if span and due and each.at.target is step.at.target and ladder.offset_of(each, span) <= due
            )
        ]
        for other, each in enumerate(mine.steps[:index]):
            if each.acknowledge_within or each.ask_decision:
                ways.append(frozenset(range(other, index)) | found[other])
        found.append(frozenset.intersection(*ways))
    return found


def _hands_over(desk: Desk, mine: Ladder, index: int, among: list[Route]) -> Iterator[Finding]:
    """A team that every ticket on the ladder is with all along."""
    team = mine.steps[index].hand_over_to
    others = {step.hand_over_to for step in mine.steps} | {each.team for each in among}
    if not team or others - {team, ""}:
        return
    yield from proven(
        desk,
        Finding(
            IN_VAIN,
            Severity.FAULT,
            spot(mine.name, index, "hand_over_to"),
            f"{said(mine, index)} hands over to {team}, which has every ticket on this ladder already",
            "name another team; to bring it up again, `remind`",
            (mine.name, team),
        ),
        among,
        at_step(desk, index, lambda taken: f"it is with {taken.before.team} and stays there"),
    )


def _reassigns(desk: Desk, mine: Ladder, index: int) -> Iterator[Finding]:
    """Somebody else is wanted where only one works."""
    if not mine.steps[index].reassign:
        return
    visits = [
        (climb, taken)
        for climb in desk.climbs[mine.name]
        for life in climb.lives
        for taken in life.steps
        if taken.step == index
    ]
    if not visits or any(taken.before.assignee != taken.after.assignee for _, taken in visits):
        return
    last = visits[0][1].after
    yield from proven(
        desk,
        Finding(
            IN_VAIN,
            Severity.FAULT,
            spot(mine.name, index, "reassign"),
            f"{said(mine, index)} finds nobody else: one person works at {last.level} of {last.team}",
            "hand it over to another team, or raise it",
            (mine.name, last.team, last.level),
        ),
        [route for climb, _ in visits for route in climb.like],
        at_step(desk, index, lambda taken: f"{taken.after.assignee} keeps it"),
    )
