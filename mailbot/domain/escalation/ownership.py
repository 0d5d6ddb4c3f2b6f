"""An owner for every ticket: an agent at its level, else at the nearest level that has agents."""

from datetime import datetime

from mailbot.domain import events as e
from mailbot.domain import ladder, notify, reasons
from mailbot.domain.actor import POLICY, Actor
from mailbot.domain.assignment import choose
from mailbot.domain.lifecycle import DecisionBuilder, clocks_set
from mailbot.domain.model import OVER, NoticeKind
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import NO_REASON, Reason


def assign_owner(builder: DecisionBuilder, policy: Policy, now: datetime, by: Actor) -> None:
    """Assign the ticket to an agent at its level.

    Where no team has agents there, its team is notified and it goes to the next level up, else down.
    """
    chosen = choose(builder.ticket, policy, now, builder.loads)
    if chosen is None:
        _move_to_staffed_level(builder, policy, now)
        chosen = choose(builder.ticket, policy, now, builder.loads)
    if chosen:
        builder.record(e.TicketAssigned(now, by, chosen.agent.address, chosen.reason))


def begin(
    builder: DecisionBuilder, policy: Policy, now: datetime, holder: str = "", reason: Reason = NO_REASON
) -> None:
    """Give a ticket that was just routed its owner and its clocks; `holder` gets it, if still an agent."""
    if holder in policy.agents:
        builder.record(e.TicketAssigned(now, POLICY, holder, reason))
    else:
        assign_owner(builder, policy, now, POLICY)
    builder.record(clocks_set(builder.ticket, policy, now))


def _move_to_staffed_level(builder: DecisionBuilder, policy: Policy, now: datetime) -> None:
    ticket = builder.ticket
    level = nearest_level(policy, ticket.team, ticket.level)
    if not level or ticket.status in OVER:
        return
    code = "no_agent_at" if ticket.level else "no_agent_at_level"
    because = reasons.of(code, level=ticket.level)
    builder.record(e.TicketEscalated(now, POLICY, level, because))
    if ticket.team in policy.teams:
        people = tuple(agent.address for agent in policy.teams[ticket.team].agents)
        because = reasons.together(because, reasons.of("goes_to", level=level))
        notify.notify_team(builder, policy, now, NoticeKind.NOTIFY, because, recipients=people)


def nearest_level(policy: Policy, team: str, level: str) -> str:
    """Return the level if anybody works there, else the next one above, else below; "" without any agent."""
    here = max(ladder.rank_of(policy, level), 0)
    ways = (level, *policy.levels[here:], *reversed(policy.levels[:here]))
    held = (each for each in ways if ladder.agents_at(policy, team, each))
    return next(held, next((agent.level for agent in policy.agents.values()), ""))


def ensure_owner(builder: DecisionBuilder, policy: Policy, now: datetime) -> None:
    """Find and notify an owner where the ticket has none: an agent may leave with a reload."""
    ticket = builder.ticket
    if ticket.status in OVER or ticket.is_complaint or ticket.assignee in policy.agents:
        return
    because = reasons.of("agent_left", agent=ticket.assignee) if ticket.assignee else reasons.of("unassigned")
    assign_owner(builder, policy, now, POLICY)
    notify.notify_team(builder, policy, now, NoticeKind.ASSIGNED, because)
