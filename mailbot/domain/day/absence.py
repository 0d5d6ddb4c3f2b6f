"""Hand the tickets of an absent agent to colleagues, where a promise ends before the agent is back.

An agent is absent from the end of the last work hours before a day off until the next ones. The customer notices
nothing, and nothing moves back afterwards.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from mailbot.domain import events as e
from mailbot.domain import ladder, notify, reasons
from mailbot.domain.actor import POLICY
from mailbot.domain.assignment import NEVER, Chosen, Loads, choose, next_duty
from mailbot.domain.lifecycle import Decision, DecisionBuilder
from mailbot.domain.model import OVER, NoticeKind, Ticket, Turn
from mailbot.domain.policy import Agent, Policy
from mailbot.domain.reasons import Reason
from mailbot.domain.worktime import local, next_open


@dataclass(frozen=True, slots=True)
class HandOver:
    """To whom a ticket goes, and why. `back`: when its `owner` is."""

    ticket: Ticket
    owner: Agent
    back: datetime
    agent: Agent
    reason: Reason


def absences(policy: Policy, now: datetime) -> dict[str, datetime]:
    """Return the agents who are absent, with the moment when each is back."""
    found = (
        (agent.address, absent_until(agent, policy, now)) for agent in policy.agents.values() if agent.away
    )
    return {address: back for address, back in found if back}


def absent_until(agent: Agent, policy: Policy, now: datetime) -> datetime | None:
    """Return when the agent is back, None for one whose days off keep them from no work hours until then."""
    try:
        opens = next_open(policy.agent_calendars[agent.address], now)
    except ValueError:
        return None
    back = next_duty(agent, policy, now)
    return back if opens < back != NEVER else None


def must_move(ticket: Ticket, absent: dict[str, datetime], policy: Policy) -> bool:
    """Check whether the customer was promised something before the ticket's owner is back."""
    back = absent.get(ticket.assignee or "")
    if back is None or ticket.status in OVER or ticket.turn is Turn.CUSTOMER:
        return False
    promised_at = ladder.promised_at(ticket, policy)
    return promised_at is not None and promised_at < back


def find_colleague(
    ticket: Ticket, absent: dict[str, datetime], policy: Policy, now: datetime, loads: Loads
) -> HandOver | None:
    """Choose a colleague of the same team who works before the owner is back; None where there is none.

    Those of the ticket's level come first, then those above, then those below.
    """
    owner, team = policy.agents.get(ticket.assignee or ""), policy.teams.get(ticket.team)
    if owner is None or team is None:
        return None
    back = absent[owner.address]
    able = {
        agent.address for agent in team.agents if agent is not owner and next_duty(agent, policy, now) < back
    }
    for level in _levels(ticket, policy):
        if found := _choose(replace(ticket, level=level), able, policy, now, loads):
            until = f"{local(policy.agent_calendars[owner.address], back):%Y-%m-%d %H:%M %Z}"
            away = reasons.of("away_until", agent=owner.name, until=until)
            return HandOver(ticket, owner, back, found.agent, reasons.together(away, found.reason))
    return None


def _levels(ticket: Ticket, policy: Policy) -> Iterator[str]:
    here = max(ladder.rank_of(policy, ticket.level), 0)
    yield from dict.fromkeys((ticket.level, *policy.levels[here:], *reversed(policy.levels[:here])))


def _choose(
    ticket: Ticket, able: Collection[str], policy: Policy, now: datetime, loads: Loads
) -> Chosen | None:
    others = {agent.address for agent in ladder.agents_at(policy, ticket.team, ticket.level)} - set(able)
    return choose(ticket, policy, now, loads, without=others)


def hand_over(move: HandOver, policy: Policy, now: datetime, *, notified_apart: bool) -> Decision:
    """Assign the ticket to the colleague. `notified_apart`: one mail lists it among others."""
    builder = DecisionBuilder(move.ticket)
    builder.record(e.TicketAssigned(now, POLICY, move.agent.address, move.reason))
    if notified_apart:
        builder.record(e.PeopleNotified(now, POLICY, (move.agent.address,), NoticeKind.ASSIGNED))
    else:
        notify.notify_team(builder, policy, now, NoticeKind.ASSIGNED, move.reason)
    return builder.decision()
