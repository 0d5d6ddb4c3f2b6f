"""Whose turn it is and until when, by a person's word: wait, work on, reopen."""

from datetime import datetime

from mailbot.domain import events as e
from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.domain.lifecycle import DecisionBuilder, clocks_set
from mailbot.domain.model import OVER, Status, Turn
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import NO_REASON, Reason, Refusal


def wait(
    builder: DecisionBuilder,
    turn: Turn,
    until: datetime | None,
    reason: Reason,
    by: Actor,
    policy: Policy,
    now: datetime,
) -> Refusal | None:
    """Give the turn to the customer, or to a third party until a time."""
    if refusal := _over(builder):
        return refusal
    if turn is Turn.THIRD_PARTY and until is None:
        return reasons.refuse("wait_needs_end")
    builder.record(e.TurnSet(now, by, turn, until, reason))
    builder.record(clocks_set(builder.ticket, policy, now))
    return None


def work_on(
    builder: DecisionBuilder,
    until: datetime | None,
    by: Actor,
    policy: Policy,
    now: datetime,
    suppressed: Reason = NO_REASON,
) -> Refusal | None:
    """Keep the turn, and promise the customer news by `until`."""
    if refusal := _over(builder):
        return refusal
    builder.record(e.TurnSet(now, by, Turn.OURS))
    if until:
        builder.record(e.NewsPromised(now, by, until))
    builder.record(clocks_set(builder.ticket, policy, now))
    return None


def reopen(
    builder: DecisionBuilder, reason: Reason, by: Actor, policy: Policy, now: datetime
) -> Refusal | None:
    """Open a closed ticket again: the turn is ours."""
    ticket = builder.ticket
    if ticket.status is not Status.CLOSED:
        return reasons.refuse("not_closed", ticket=ticket.number, status=ticket.status)
    builder.record(e.TicketReopened(now, by, reason or reasons.of("by_actor", actor=str(by))))
    builder.record(clocks_set(builder.ticket, policy, now))
    return None


def _over(builder: DecisionBuilder) -> Refusal | None:
    ticket = builder.ticket
    if ticket.status in OVER:
        return reasons.refuse("ticket_over", ticket=ticket.number, status=ticket.status)
    return None
