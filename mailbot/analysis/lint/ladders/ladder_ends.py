"""Ends of ladders: back at a former owner, or at a level below which no higher level is notified."""

from collections.abc import Iterator

from mailbot.analysis.lint.finding import Finding, Severity, Witness
from mailbot.analysis.lint.ladders.ladder_cases import (
    LadderCase,
    LadderContext,
    local_time_of,
    runs_of,
    spot,
    step_text,
    with_proof,
    witness_at_step,
)
from mailbot.analysis.lint.ladders.ladder_runs import LadderRun, StepRun
from mailbot.analysis.lint.routes import Proof
from mailbot.domain import ladder as ladders
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Ladder, Policy

CYCLE, DEAD_END = "ladder-cycle", "dead-end"


def find(context: LadderContext) -> Iterator[Finding]:
    for ladder in context.policy.ladders.values():
        yield from _cycles(context, ladder)
        yield from _dead_end(context, ladder)


# --- cycles -------------------------------------------------------------------------------------------


def _cycles(context: LadderContext, ladder: Ladder) -> Iterator[Finding]:
    reported: set[tuple[int, str]] = set()
    for case in context.cases[ladder.name]:
        for run in case.runs:
            for left, back, severity, owner in _returns(context.policy, ladder, run):
                if (back.step, owner) in reported:
                    continue
                reported.add((back.step, owner))
                yield from with_proof(
                    context,
                    Finding(
                        CYCLE,
                        severity,
                        spot(ladder.name, back.step),
                        f"{step_text(ladder, back.step)} brings a ticket back to {owner}, from where step "
                        f"{left.step + 1} took it",
                        "send it to somebody new, or raise its level",
                        (ladder.name, owner),
                    ),
                    case.routes,
                    witness_at_step(context, back.step, lambda _, owner=owner: f"{owner} has it again"),  # type: ignore[misc]
                )


def _returns(
    policy: Policy, ladder: Ladder, run: LadderRun
) -> Iterator[tuple[StepRun, StepRun, Severity, str]]:
    """List (step that took the ticket away, step that brought it back, severity, owner).

    A return at a higher level is progress and not listed.
    """
    for number, back in enumerate(run.steps):
        if back.before.team != back.after.team:
            left = next(
                (each for each in run.steps[:number] if _place(each.before) == _place(back.after)), None
            )
            if left:
                yield left, back, Severity.FAULT, f"{back.after.team} at {back.after.level}"
        elif ladder.steps[back.step].reassign and _place(back.before) == _place(back.after):
            people = ladders.agents_at(policy, back.after.team, back.after.level)
            left = next(
                (
                    each
                    for each in run.steps[:number]
                    if _place(each.before) == _place(back.after)
                    and each.before.assignee == back.after.assignee != each.after.assignee
                ),
                None,
            )
            if left and len(people) == 2 and back.before.assignee != back.after.assignee:
                yield left, back, Severity.REMARK, str(back.after.assignee)


def _place(ticket: Ticket) -> tuple[str, str]:
    return ticket.team, ticket.level


# --- dead ends -------------------------------------------------------------------------------------------


def _dead_end(context: LadderContext, ladder: Ladder) -> Iterator[Finding]:
    dead_ends = [case for case in context.cases[ladder.name] if _is_dead_end(context.policy, case.runs[0])]
    if not dead_ends:
        return
    case: LadderCase = dead_ends[0]
    end = case.runs[0].ticket
    last = len(ladder.steps) - 1
    yield from with_proof(
        context,
        Finding(
            DEAD_END,
            Severity.REMARK,
            spot(ladder.name) if last < 0 else spot(ladder.name, last),
            f"ladder {ladder.name!r} ends at {end.level}: higher levels are never notified of a ticket that "
            f"nobody answers, only its owner is reminded",
            f"a last step with `escalate_to: {_top(context.policy)}`, or `notify`",
            (ladder.name, end.level),
        ),
        [route for each in dead_ends for route in each.routes],
        lambda proof: _dead_end_witness(context, proof),
    )


def _dead_end_witness(context: LadderContext, proof: Proof) -> Witness | None:
    run = runs_of(context.policy, proof)[0]
    at = run.steps[-1].at if run.steps else run.opened.opened_at
    shows = f"{run.description}: from now on only {run.ticket.assignee} at {run.ticket.level} is reminded"
    return Witness(shows, proof.mail, local_time_of(context.policy, run.ticket.team, at))


def _is_dead_end(policy: Policy, run: LadderRun) -> bool:
    """Decide whether a run ends below the top, with no higher level, other team or outside address
    notified."""
    end = ladders.rank_of(policy, run.ticket.level)
    if end >= ladders.rank_of(policy, _top(policy)) or run.ticket.team != run.opened.team:
        return False
    reported = {address for each in run.steps for address in each.notified} - {run.opened.customer}
    return all(address in policy.agents and _rank(policy, address) <= end for address in reported)


def _rank(policy: Policy, address: str) -> int:
    return ladders.rank_of(policy, policy.agents[address].level)


def _top(policy: Policy) -> str:
    """Return the highest level at which an agent works."""
    held = {agent.level for agent in policy.agents.values()}
    return next((level for level in reversed(policy.levels) if level in held), "")
