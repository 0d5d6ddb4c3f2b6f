"""Where ladders lead in the end: back to where tickets came from, or to where nobody higher ever hears."""

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


# --- back again -------------------------------------------------------------------------------------------


def _cycles(context: LadderContext, ladder: Ladder) -> Iterator[Finding]:
    told: set[tuple[int, str]] = set()
    for case in context.cases[ladder.name]:
        for run in case.runs:
            for left, back, severity, whom in _returns(context.policy, ladder, run):
                if (back.step, whom) in told:
                    continue
                told.add((back.step, whom))
                yield from with_proof(
                    context,
                    Finding(
                        CYCLE,
                        severity,
                        spot(ladder.name, back.step),
                        f"{step_text(ladder, back.step)} brings a ticket back to {whom}, from where step "
                        f"{left.step + 1} took it",
                        "lead it on to somebody new, or raise its level on the way",
                        (ladder.name, whom),
                    ),
                    case.routes,
                    witness_at_step(context, back.step, lambda _, whom=whom: f"{whom} has it once more"),  # type: ignore[misc]
                )


def _returns(
    policy: Policy, ladder: Ladder, run: LadderRun
) -> Iterator[tuple[StepRun, StepRun, Severity, str]]:
    """(step by which it left, step by which it came back, how grave, to whom). Back at a higher level is
    further on, not back."""
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


# --- no further -------------------------------------------------------------------------------------------


def _dead_end(context: LadderContext, ladder: Ladder) -> Iterator[Finding]:
    dead = [case for case in context.cases[ladder.name] if _ends(context.policy, case.runs[0])]
    if not dead:
        return
    case: LadderCase = dead[0]
    end = case.runs[0].ticket
    last = len(ladder.steps) - 1
    yield from with_proof(
        context,
        Finding(
            DEAD_END,
            Severity.REMARK,
            spot(ladder.name) if last < 0 else spot(ladder.name, last),
            f"ladder {ladder.name!r} ends at {end.level}: whoever stands higher never hears of a ticket that "
            f"nobody answers, its owner alone is reminded for ever",
            f"a last step with `escalate_to: {_top(context.policy)}`, or `notify`",
            (ladder.name, end.level),
        ),
        [route for each in dead for route in each.routes],
        lambda proof: _shown(context, proof),
    )


def _shown(context: LadderContext, proof: Proof) -> Witness | None:
    run = runs_of(context.policy, proof)[0]
    at = run.steps[-1].at if run.steps else run.opened.opened_at
    shows = f"{run.description}: from here on {run.ticket.assignee} at {run.ticket.level} alone is reminded"
    return Witness(shows, proof.mail, local_time_of(context.policy, run.ticket.team, at))


def _ends(policy: Policy, run: LadderRun) -> bool:
    """Is it over below the top, with nobody of a higher level, no other team and no address told?"""
    end = ladders.rank_of(policy, run.ticket.level)
    if end >= ladders.rank_of(policy, _top(policy)) or run.ticket.team != run.opened.team:
        return False
    told = {address for each in run.steps for address in each.notified} - {run.opened.customer}
    return all(address in policy.agents and _rank(policy, address) <= end for address in told)


def _rank(policy: Policy, address: str) -> int:
    return ladders.rank_of(policy, policy.agents[address].level)


def _top(policy: Policy) -> str:
    """The highest level at which anybody works."""
    held = {agent.level for agent in policy.agents.values()}
    return next((level for level in reversed(policy.levels) if level in held), "")
