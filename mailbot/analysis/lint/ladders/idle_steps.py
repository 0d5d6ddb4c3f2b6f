"""Steps without effect: another step did the same, no agent works there, or another step undoes it."""

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
        for first, second in _simultaneous(ladder):
            findings = list(_same_moment(context, ladder, first, second, among))
            doubled |= {second} if any(each.kind == TWICE for each in findings) else set()
            yield from findings
        for index, step in enumerate(ladder.steps):
            yield from _nobody(context, ladder, index, step)
            yield from _self_defeating(context, ladder, index, among)
            if index not in doubled:
                yield from _idle_escalation(context, ladder, index, among)
                yield from _idle_hand_over(context, ladder, index, among)
                yield from _idle_reassignment(context, ladder, index)


# --- one step ---------------------------------------------------------------------------------------------


def _nobody(context: LadderContext, ladder: Ladder, index: int, step: Step) -> Iterator[Finding]:
    """Find levels that a step names and where no agent works in any team."""
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
                witness_at_step(context, index, lambda taken: f"then it is at {taken.after.level}"),
            )


def _self_defeating(
    context: LadderContext, ladder: Ladder, index: int, among: list[Route]
) -> Iterator[Finding]:
    """Find parts of one step that undo each other."""
    step = ladder.steps[index]
    lacking = [each for each in among if _lacks_level(context.policy, step, each)]
    if lacking:
        level = ladders.level_of(step, lacking[0].category)
        yield from with_proof(
            context,
            Finding(
                OVERRIDDEN,
                Severity.REMARK,
                spot(ladder.name, index, "hand_over_to"),
                f"{step_text(ladder, index)} hands over to {step.hand_over_to} and raises to {level}, where "
                f"{step.hand_over_to} has nobody: an agent of another team gets it",
                "hand over to a team with this level, or remove one of the two",
                (ladder.name, step.hand_over_to, level),
            ),
            lacking,
            witness_at_step(context, index, lambda taken: f"{taken.after.assignee} has it then"),
        )


def _lacks_level(policy: Policy, step: Step, route: Route) -> bool:
    level = ladders.level_of(step, route.category)
    if not step.hand_over_to or step.hand_over_to not in policy.teams or not level:
        return False
    own = policy.teams[step.hand_over_to].agents
    raised = ladders.rank_of(policy, level) > ladders.rank_of(policy, route.level)
    return raised and not any(agent.level == level for agent in own)


# --- two steps at one moment ------------------------------------------------------------------------------


def _simultaneous(ladder: Ladder) -> Iterator[tuple[int, int]]:
    for first, second in combinations(range(len(ladder.steps)), 2):
        one, other = ladder.steps[first].at, ladder.steps[second].at
        span = ladder.targets.get(one.target)
        if span is None or one.target is not other.target:
            continue
        if ladders.offset_of(ladder.steps[first], span) == ladders.offset_of(ladder.steps[second], span):
            yield first, second


def _same_moment(
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
                "remove it, or give it another moment",
                (ladder.name,),
            ),
            among,
            witness_at_step(
                context, second, lambda _: f"steps {first + 1} and {second + 1} are taken together"
            ),
        )
    elif conflict := _conflict(context.policy, one, other, among):
        yield from with_proof(
            context,
            Finding(
                OVERRIDDEN,
                Severity.FAULT,
                spot(ladder.name, first),
                f"{step_text(ladder, first)} {conflict[0]}, and step {second + 1} at the same moment {conflict[1]}",
                "remove one of them, or give them different moments",
                (ladder.name,),
            ),
            among,
            witness_at_step(context, second, lambda taken: f"then it is at {taken.after.level}"),
        )


def _adds_nothing(policy: Policy, one: Step, other: Step, among: Iterable[Route]) -> bool:
    if other.reassign or not _effects(other) <= _effects(one):
        return False
    for route in among:
        levels = [ladders.rank_of(policy, ladders.level_of(step, route.category)) for step in (one, other)]
        if levels[1] > levels[0]:
            return False
    return True


def _effects(step: Step) -> set[tuple[str, object]]:
    effects: set[tuple[str, object]] = {("notify", each) for each in step.notify}
    for name in ("remind", "hand_over_to", "tell_customer", "ask_decision"):
        if getattr(step, name):
            effects.add((name, getattr(step, name)))
    if step.ask_decision:
        effects.add(("question", (step.question, step.options)))
    return effects


def _conflict(policy: Policy, one: Step, other: Step, among: Iterable[Route]) -> tuple[str, str] | None:
    """Describe what the first step does and the second undoes for every ticket, None when nothing."""
    if one.hand_over_to and other.hand_over_to and one.hand_over_to != other.hand_over_to:
        return f"hands over to {one.hand_over_to}", f"to {other.hand_over_to}"
    if one.ask_decision and other.ask_decision:
        return f"asks {one.ask_decision} to decide", "asks something else, which replaces the question"
    pairs = [[ladders.level_of(step, route.category) for step in (one, other)] for route in among]
    if all(low and ladders.rank_of(policy, low) < ladders.rank_of(policy, high) for low, high in pairs):
        low, high = pairs[0]
        return f"raises to {low}", f"to {high}"
    return None


# --- steps without effect -----------------------------------------------------------------------------


def _idle_escalation(
    context: LadderContext, ladder: Ladder, index: int, among: list[Route]
) -> Iterator[Finding]:
    """Find a level that every ticket has already when the step is taken."""
    affected = [each for each in among if ladders.level_of(ladder.steps[index], each.category)]
    before = steps_always_before(ladder)[index] if affected else frozenset()
    reasons = {each: _already_reached(context.policy, ladder, index, each, before) for each in affected}
    if not affected or not all(reasons.values()):
        return
    route = min(affected, key=lambda each: ladders.rank_of(context.policy, each.level))
    level = ladders.level_of(ladder.steps[index], route.category)
    # Future rules may start lower, so only the lowest level can't be intended.
    fault = not _starts_there(context.policy, ladder, index, route) or level == context.policy.levels[0]
    yield from with_proof(
        context,
        Finding(
            IN_VAIN,
            Severity.FAULT if fault else Severity.NOTE,
            spot(ladder.name, index, "escalate_to"),
            f"{step_text(ladder, index)} never raises a ticket to {level}: {reasons[route]}",
            "name a higher level, or use `remind`",
            (ladder.name, level),
        ),
        sorted(affected, key=lambda each: ladders.rank_of(context.policy, each.level)),
        witness_at_step(context, index, lambda taken: f"it is at {taken.before.level} and stays there"),
    )


def _already_reached(
    policy: Policy, ladder: Ladder, index: int, route: Route, earlier: frozenset[int]
) -> str:
    """Explain why a ticket of this route is as high as the step would raise it; "" when it may be lower."""
    if _starts_there(policy, ladder, index, route):
        return f"tickets on it start at {route.level}"
    affected = ladders.rank_of(policy, ladders.level_of(ladder.steps[index], route.category))
    for before in sorted(earlier):
        level = ladders.level_of(ladder.steps[before], route.category)
        if ladders.rank_of(policy, level) >= affected:
            return f"step {before + 1} has already raised it to {level}"
    return ""


def _starts_there(policy: Policy, ladder: Ladder, index: int, route: Route) -> bool:
    affected = ladders.rank_of(policy, ladders.level_of(ladder.steps[index], route.category))
    return ladders.rank_of(policy, route.level) >= affected


def steps_always_before(ladder: Ladder) -> list[frozenset[int]]:
    """Return for each step those that are always taken before it.

    A step is taken by its own clock, or at once when no agent confirmed or decided after an earlier step.
    """
    findings: list[frozenset[int]] = []
    for index, step in enumerate(ladder.steps):
        span = ladder.targets.get(step.at.target)
        due = ladders.offset_of(step, span) if span else None
        paths = [
            frozenset(
                other
                for other, each in enumerate(ladder.steps[:index])
                if span and due and each.at.target is step.at.target and ladders.offset_of(each, span) <= due
            )
        ]
        for other, each in enumerate(ladder.steps[:index]):
            if each.acknowledge_within or each.ask_decision:
                paths.append(frozenset(range(other, index)) | findings[other])
        findings.append(frozenset.intersection(*paths))
    return findings


def _idle_hand_over(
    context: LadderContext, ladder: Ladder, index: int, among: list[Route]
) -> Iterator[Finding]:
    """Find a team that has every ticket on the ladder all the time."""
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
            f"{step_text(ladder, index)} hands over to {team}, which already has every ticket on this ladder",
            "name another team, or use `remind`",
            (ladder.name, team),
        ),
        among,
        witness_at_step(context, index, lambda taken: f"it is with {taken.before.team} and stays there"),
    )


def _idle_reassignment(context: LadderContext, ladder: Ladder, index: int) -> Iterator[Finding]:
    """Find `reassign` where only one person works."""
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
            "hand over to another team, or raise the level",
            (ladder.name, last.team, last.level),
        ),
        [route for case, _ in visits for route in case.routes],
        witness_at_step(context, index, lambda taken: f"{taken.after.assignee} keeps it"),
    )
