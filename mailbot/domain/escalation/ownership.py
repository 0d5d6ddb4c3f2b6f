"""An owner for every ticket: somebody at its level, else at the nearest level where anybody works."""

from datetime import datetime

from mailbot.domain import events as e
from mailbot.domain import ladder, notify
from mailbot.domain.assignment import choose
from mailbot.domain.lifecycle import DecisionBuilder
from mailbot.domain.model import OVER
from mailbot.domain.policy import Policy


def give(builder: DecisionBuilder, policy: Policy, now: datetime, by: str) -> None:
    """The ticket to somebody at its level. Where nobody is, in no team: its team is told and it goes to the
    next level up that somebody works at, else down."""
    chosen = choose(builder.ticket, policy, now, builder.loads)
    if chosen is None:
        _elsewhere(builder, policy, now)
        chosen = choose(builder.ticket, policy, now, builder.loads)
    if chosen:
        builder.record(e.TicketAssigned(now, by, chosen.agent.address, chosen.because))


def _elsewhere(builder: DecisionBuilder, policy: Policy, now: datetime) -> None:
    ticket = builder.ticket
    level = nearest(policy, ticket.team, ticket.level)
    if not level or ticket.status in OVER:
        return
    because = f"nobody works at {ticket.level or 'its level'}"
    builder.record(e.TicketEscalated(now, "policy", level, because))
    if ticket.team in policy.teams:
        people = tuple(agent.address for agent in policy.teams[ticket.team].agents)
        notify.team(builder, policy, now, "notify", f"{because}, so it goes to {level}", "", whom=people)


def nearest(policy: Policy, team: str, level: str) -> str:
    """This level when anybody works there, else the next one above where somebody does, else below; "" when
    nobody works anywhere."""
    here = max(ladder.rank_of(policy, level), 0)
    ways = (level, *policy.levels[here:], *reversed(policy.levels[:here]))
    held = (each for each in ways if ladder.agents_at(policy, team, each))
    return next(held, next((agent.level for agent in policy.agents.values()), ""))


def ensure(builder: DecisionBuilder, policy: Policy, now: datetime) -> None:
    """Somebody has the ticket who is there (an agent may leave with a reload), else one is found and told."""
    ticket = builder.ticket
    if ticket.status in OVER or ticket.assignee in policy.agents:
        return
    because = f"{ticket.assignee} is no agent any more" if ticket.assignee else "nobody had it"
    give(builder, policy, now, "policy")
    notify.team(builder, policy, now, "assigned", because, "")
