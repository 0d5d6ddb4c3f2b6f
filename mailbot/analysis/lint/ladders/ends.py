"""Where ladders lead in the end: back to where tickets came from, or to where nobody higher ever hears."""

from collections.abc import Iterator

from mailbot.analysis.lint.finding import Finding, Severity, Witness
from mailbot.analysis.lint.ladders.cases import Climb, Desk, at_step, lives_of, on_clock, proven, said, spot
from mailbot.analysis.lint.ladders.runs import Life, Taken
from mailbot.analysis.lint.routes import Proof
from mailbot.domain import ladder
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Ladder, Policy

CYCLE, DEAD_END = "ladder-cycle", "dead-end"


def find(desk: Desk) -> Iterator[Finding]:
    for mine in desk.policy.ladders.values():
        yield from _cycles(desk, mine)
        yield from _dead_end(desk, mine)


# --- back again -------------------------------------------------------------------------------------------


def _cycles(desk: Desk, mine: Ladder) -> Iterator[Finding]:
    told: set[tuple[int, str]] = set()
    for climb in desk.climbs[mine.name]:
        for life in climb.lives:
            for left, back, severity, whom in _returns(desk.policy, mine, life):
                if (back.step, whom) in told:
                    continue
                told.add((back.step, whom))
                yield from proven(
                    desk,
                    Finding(
                        CYCLE,
                        severity,
                        spot(mine.name, back.step),
                        f"{said(mine, back.step)} brings a ticket back to {whom}, from where step "
                        f"{left.step + 1} took it",
                        "lead it on to somebody new, or raise its level on the way",
                        (mine.name, whom),
                    ),
                    climb.like,
                    at_step(desk, back.step, lambda _, whom=whom: f"{whom} has it once more"),  # type: ignore[misc]
                )


def _returns(policy: Policy, mine: Ladder, life: Life) -> Iterator[tuple[Taken, Taken, Severity, str]]:
    """(step by which it left, step by which it came back, how grave, to whom). Back at a higher level is
    further on, not back."""
    for number, back in enumerate(life.steps):
        if back.before.team != back.after.team:
            left = next(
                (each for each in life.steps[:number] if _place(each.before) == _place(back.after)), None
            )
            if left:
                yield left, back, Severity.FAULT, f"{back.after.team} at {back.after.level}"
        elif mine.steps[back.step].reassign and _place(back.before) == _place(back.after):
            people = ladder.agents_at(policy, back.after.team, back.after.level)
            left = next(
                (
                    each
                    for each in life.steps[:number]
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


def _dead_end(desk: Desk, mine: Ladder) -> Iterator[Finding]:
    dead = [climb for climb in desk.climbs[mine.name] if _ends(desk.policy, climb.lives[0])]
    if not dead:
        return
    climb: Climb = dead[0]
    end = climb.lives[0].ticket
    last = len(mine.steps) - 1
    yield from proven(
        desk,
        Finding(
            DEAD_END,
            Severity.REMARK,
            spot(mine.name) if last < 0 else spot(mine.name, last),
            f"ladder {mine.name!r} ends at {end.level}: whoever stands higher never hears of a ticket that "
            f"nobody answers, its owner alone is reminded for ever",
            f"a last step with `escalate_to: {_top(desk.policy)}`, or `notify`",
            (mine.name, end.level),
        ),
        [route for each in dead for route in each.like],
        lambda proof: _shown(desk, proof),
    )


def _shown(desk: Desk, proof: Proof) -> Witness | None:
    life = lives_of(desk.policy, proof)[0]
    at = life.steps[-1].at if life.steps else life.opened.opened_at
    shows = f"{life.as_told}: from here on {life.ticket.assignee} at {life.ticket.level} alone is reminded"
    return Witness(shows, proof.mail, on_clock(desk.policy, life.ticket.team, at))


def _ends(policy: Policy, life: Life) -> bool:
    """Is it over below the top, with nobody of a higher level, no other team and no address told?"""
    end = ladder.rank_of(policy, life.ticket.level)
    if end >= ladder.rank_of(policy, _top(policy)) or life.ticket.team != life.opened.team:
        return False
    told = {address for each in life.steps for address in each.told} - {life.opened.customer}
    return all(address in policy.agents and _rank(policy, address) <= end for address in told)


def _rank(policy: Policy, address: str) -> int:
    return ladder.rank_of(policy, policy.agents[address].level)


def _top(policy: Policy) -> str:
    """The highest level at which anybody works."""
    held = {agent.level for agent in policy.agents.values()}
    return next((level for level in reversed(policy.levels) if level in held), "")
