"""Steps of a ladder that do nothing: others did it before, nobody is there, what one does another undoes."""

from collections.abc import Iterable, Iterator
from itertools import combinations

from mailbot.analysis.lint.finding import Finding, Severity
from mailbot.analysis.lint.ladders.ladder_cases import (
    LadderContext,
    spot,
    step_text,
    with_proof,
    witness_at_step,
)
from mailbot.analysis.lint.ladders.ladder_runs import StepRun
from mailbot.analysis.lint.routes import Route
from mailbot.domain import ladder as ladders
from mailbot.domain.policy import Ladder, Policy, Step

IN_VAIN, TWICE, OVERRIDDEN, NOBODY = "step-in-vain", "step-twice", "step-overridden", "nobody-there"


def find(context: LadderContext) -> Iterator[Finding]:
    for ladder in context.policy.ladders.values():
        among = context.routes_of(ladder.name)
        if not among or not context.routes.complete:
            continue
        doubled: set[int] = set()
        for first, second in _at_once(ladder):
            found = list(_together(context, ladder, first, second, among))
            doubled |= {second} if any(each.kind == TWICE for each in found) else set()
            yield from found
        for index, step in enumerate(ladder.steps):
            yield from _nobody(context, ladder, index, step)
            yield from _alone(context, ladder, index, among)
            if index not in doubled:
                yield from _escalates(context, ladder, index, among)
                yield from _hands_over(context, ladder, index, among)
                yield from _reassigns(context, ladder, index)


# --- one step ---------------------------------------------------------------------------------------------


def _nobody(context: LadderContext, ladder: Ladder, index: int, step: Step) -> Iterator[Finding]:
    """A level that a step names and where nobody works, in no team."""
    named = {
        "escalate_to": {step.escalate_to, *step.escalate_by_category.values()},
        "ask_decision": {step.ask_decision},
    }
    for key, levels in named.items():
        for level in sorted(levels - {""}):
            if ladders.agents_at(context.policy, "", level):
                continue
            yield from with_proof(
                context,
                Finding(
                    NOBODY,
                    Severity.FAULT,
                    spot(ladder.name, index, key),
                    f"{step_text(ladder, index)} leads to {level}, where nobody works",
                    "give an agent this level, or name another",
                    (ladder.name, level),
                ),
                context.routes_of(ladder.name),
                witness_at_step(context, index, lambda taken: f"then it stands at {taken.after.level}"),
            )


def _alone(context: LadderContext, ladder: Ladder, index: int, among: list[Route]) -> Iterator[Finding]:
    """What a step does and undoes by itself."""
    step = ladder.steps[index]
    if step.remind == "assignee" and not ladders.only_reminds(step) and _moves(step):
        yield from with_proof(
            context,
            Finding(
                TWICE,
                Severity.REMARK,
                spot(ladder.name, index, "remind"),
                f"{step_text(ladder, index)} reminds the new owner of what it has told the same moment",
                "`remind: team`, or nothing: whoever gets a ticket is told",
                (ladder.name,),
            ),
            among,
            witness_at_step(
                context, index, _told_twice, lambda taken: len(set(taken.notified)) < len(taken.notified)
            ),
        )
    borrowed = [each for each in among if _borrows(context.policy, step, each)]
    if borrowed:
        level = ladders.level_of(step, borrowed[0].category)
        yield from with_proof(
            context,
            Finding(
                OVERRIDDEN,
                Severity.REMARK,
                spot(ladder.name, index, "hand_over_to"),
                f"{step_text(ladder, index)} hands over to {step.hand_over_to} and raises to {level}, where "
                f"{step.hand_over_to} has nobody: somebody of another team gets it",
                "hand over to a team that has this level, or leave one of them out",
                (ladder.name, step.hand_over_to, level),
            ),
            borrowed,
            witness_at_step(context, index, lambda taken: f"{taken.after.assignee} has it then"),
        )


def _told_twice(taken: StepRun) -> str:
    return f"{taken.after.assignee} gets two mails at once"


def _moves(step: Step) -> bool:
    return bool(step.escalate_to or step.escalate_by_category or step.hand_over_to or step.reassign)


def _borrows(policy: Policy, step: Step, route: Route) -> bool:
    level = ladders.level_of(step, route.category)
    if not step.hand_over_to or step.hand_over_to not in policy.teams or not level:
        return False
    own = policy.teams[step.hand_over_to].agents
    raised = ladders.rank_of(policy, level) > ladders.rank_of(policy, route.level)
    return raised and not any(agent.level == level for agent in own)


# --- two steps at one moment ------------------------------------------------------------------------------


def _at_once(ladder: Ladder) -> Iterator[tuple[int, int]]:
    for first, second in combinations(range(len(ladder.steps)), 2):
        one, other = ladder.steps[first].at, ladder.steps[second].at
        span = ladder.targets.get(one.target)
        if span is None or one.target is not other.target:
            continue
        if ladders.offset_of(ladder.steps[first], span) == ladders.offset_of(ladder.steps[second], span):
            yield first, second


def _together(
    context: LadderContext, ladder: Ladder, first: int, second: int, among: list[Route]
) -> Iterator[Finding]:
    one, other = ladder.steps[first], ladder.steps[second]
    if _adds_nothing(context.policy, one, other, among):
        yield from with_proof(
            context,
            Finding(
                TWICE,
                Severity.FAULT,
                spot(ladder.name, second),
                f"{step_text(ladder, second)} does only what step {first + 1} has done at the same moment",
                "leave it out, or give it another moment",
                (ladder.name,),
            ),
            among,
            witness_at_step(context, second, lambda _: f"steps {first + 1} and {second + 1} come at once"),
        )
    elif what := _undone(context.policy, one, other, among):
        yield from with_proof(
            context,
            Finding(
                OVERRIDDEN,
                Severity.FAULT,
                spot(ladder.name, first),
                f"{step_text(ladder, first)} {what[0]}, and step {second + 1} at the same moment {what[1]}",
                "leave one of them out, or give them different moments",
                (ladder.name,),
            ),
            among,
            witness_at_step(context, second, lambda taken: f"then it stands at {taken.after.level}"),
        )


def _adds_nothing(policy: Policy, one: Step, other: Step, among: Iterable[Route]) -> bool:
    if other.reassign or not _does(other) <= _does(one):
        return False
    for route in among:
        levels = [ladders.rank_of(policy, ladders.level_of(step, route.category)) for step in (one, other)]
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
    pairs = [[ladders.level_of(step, route.category) for step in (one, other)] for route in among]
    if all(low and ladders.rank_of(policy, low) < ladders.rank_of(policy, high) for low, high in pairs):
        low, high = pairs[0]
        return f"raises to {low}", f"to {high}"
    return None


# --- steps that come too late -----------------------------------------------------------------------------


def _escalates(context: LadderContext, ladder: Ladder, index: int, among: list[Route]) -> Iterator[Finding]:
    """A level at which every ticket stands already when the step comes."""
    wanted = [each for each in among if ladders.level_of(ladder.steps[index], each.category)]
    before = always_before(ladder)[index] if wanted else frozenset()
    reached = {each: _reached(context.policy, ladder, index, each, before) for each in wanted}
    if not wanted or not all(reached.values()):
        return
    route = min(wanted, key=lambda each: ladders.rank_of(context.policy, each.level))
    level = ladders.level_of(ladder.steps[index], route.category)
    # Rules that will be written may start lower, so that only the lowest level can't be meant.
    fault = not _starts_there(context.policy, ladder, index, route) or level == context.policy.levels[0]
    yield from with_proof(
        context,
        Finding(
            IN_VAIN,
            Severity.FAULT if fault else Severity.NOTE,
            spot(ladder.name, index, "escalate_to"),
            f"{step_text(ladder, index)} never raises a ticket to {level}: {reached[route]}",
            "name a higher level; to bring it up again, `remind`",
            (ladder.name, level),
        ),
        sorted(wanted, key=lambda each: ladders.rank_of(context.policy, each.level)),
        witness_at_step(context, index, lambda taken: f"it stands at {taken.before.level} and stays there"),
    )


def _reached(policy: Policy, ladder: Ladder, index: int, route: Route, earlier: frozenset[int]) -> str:
    """Why a ticket of this route stands as high as the step would raise it, whatever happened; "" where it
    may stand lower."""
    if _starts_there(policy, ladder, index, route):
        return f"tickets on it start at {route.level}"
    wanted = ladders.rank_of(policy, ladders.level_of(ladder.steps[index], route.category))
    for before in sorted(earlier):
        level = ladders.level_of(ladder.steps[before], route.category)
        if ladders.rank_of(policy, level) >= wanted:
            return f"step {before + 1} has raised it to {level} before"
    return ""


def _starts_there(policy: Policy, ladder: Ladder, index: int, route: Route) -> bool:
    wanted = ladders.rank_of(policy, ladders.level_of(ladder.steps[index], route.category))
    return ladders.rank_of(policy, route.level) >= wanted


def always_before(ladder: Ladder) -> list[frozenset[int]]:
    """For each step those that were taken before it however it comes: by its own clock, or at once because
    nobody confirmed or decided after an earlier step."""
    found: list[frozenset[int]] = []
    for index, step in enumerate(ladder.steps):
        span = ladder.targets.get(step.at.target)
        due = ladders.offset_of(step, span) if span else None
        ways = [
            frozenset(
                other
                for other, each in enumerate(ladder.steps[:index])
                if span and due and each.at.target is step.at.target and ladders.offset_of(each, span) <= due
            )
        ]
        for other, each in enumerate(ladder.steps[:index]):
            if each.acknowledge_within or each.ask_decision:
                ways.append(frozenset(range(other, index)) | found[other])
        found.append(frozenset.intersection(*ways))
    return found


def _hands_over(context: LadderContext, ladder: Ladder, index: int, among: list[Route]) -> Iterator[Finding]:
    """A team that every ticket on the ladder is with all along."""
    team = ladder.steps[index].hand_over_to
    others = {step.hand_over_to for step in ladder.steps} | {each.team for each in among}
    if not team or others - {team, ""}:
        return
    yield from with_proof(
        context,
        Finding(
            IN_VAIN,
            Severity.FAULT,
            spot(ladder.name, index, "hand_over_to"),
            f"{step_text(ladder, index)} hands over to {team}, which has every ticket on this ladder already",
            "name another team; to bring it up again, `remind`",
            (ladder.name, team),
        ),
        among,
        witness_at_step(context, index, lambda taken: f"it is with {taken.before.team} and stays there"),
    )


def _reassigns(context: LadderContext, ladder: Ladder, index: int) -> Iterator[Finding]:
    """Somebody else is wanted where only one works."""
    if not ladder.steps[index].reassign:
        return
    visits = [
        (case, taken)
        for case in context.cases[ladder.name]
        for run in case.runs
        for taken in run.steps
        if taken.step == index
    ]
    if not visits or any(taken.before.assignee != taken.after.assignee for _, taken in visits):
        return
    last = visits[0][1].after
    yield from with_proof(
        context,
        Finding(
            IN_VAIN,
            Severity.FAULT,
            spot(ladder.name, index, "reassign"),
            f"{step_text(ladder, index)} finds nobody else: one person works at {last.level} of {last.team}",
            "hand it over to another team, or raise it",
            (ladder.name, last.team, last.level),
        ),
        [route for case, _ in visits for route in case.routes],
        witness_at_step(context, index, lambda taken: f"{taken.after.assignee} keeps it"),
    )
