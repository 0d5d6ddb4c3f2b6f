"""Whose turn it is and until when, by a person's word: wait, work on, reopen."""

from dataclasses import replace
from datetime import datetime

from mailbot.domain import events as e
from mailbot.domain import notify, reasons, ticket_clocks
from mailbot.domain.actor import POLICY, Actor
from mailbot.domain.commands.moments import FURTHEST
from mailbot.domain.lifecycle import DecisionBuilder, clocks_set
from mailbot.domain.model import OVER, Status, Target, Turn
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
    if builder.ticket.held_for:
        return reasons.refuse("held_first", ticket=builder.ticket.number)
    if turn is Turn.THIRD_PARTY and until is None:
        return reasons.refuse("wait_needs_end")
    if refusal := _no_time(until, now):
        return refusal
    builder.record(e.TurnSet(now, by, turn, until, reason or reasons.of("by_actor", actor=str(by))))
    _set_clocks(builder, policy, now)
    return None


def come_back(builder: DecisionBuilder, policy: Policy, now: datetime) -> Reason:
    """End a wait whose time is over: the turn is ours again. Return why."""
    ticket = builder.ticket
    why = reasons.of("wait_over", turn=ticket.turn)
    if ticket.turn_why:
        why = reasons.together(why, ticket.turn_why)
    builder.record(e.TurnSet(now, POLICY, Turn.OURS, None, why))
    builder.record(clocks_set(builder.ticket, policy, now))
    return why


def work_on(
    builder: DecisionBuilder,
    until: datetime | None,
    by: Actor,
    policy: Policy,
    now: datetime,
    suppressed: Reason = NO_REASON,
    *,
    informs: bool = True,
) -> Refusal | None:
    """Keep the turn, and promise the customer news by `until`. `informs`: by a mail of its own."""
    if refusal := _over(builder):
        return refusal
    if builder.ticket.held_for:
        return reasons.refuse("held_first", ticket=builder.ticket.number)
    if refusal := _no_time(until, now):
        return refusal
    builder.record(e.TurnSet(now, by, Turn.OURS, None, reasons.of("works_on", actor=str(by))))
    if until:
        if informs:
            notify.notify_customer(builder, policy, reasons.of("news_promised"), suppressed, now, until)
        builder.record(e.NewsPromised(now, by, until))
    _set_clocks(builder, policy, now)
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


def _set_clocks(builder: DecisionBuilder, policy: Policy, now: datetime) -> None:
    """Set the clocks after a person's word, which also confirms to have the ticket."""
    ticket = builder.ticket
    confirmed = replace(ticket, clocks=ticket_clocks.without(ticket.clocks, Target.CONFIRMATION))
    builder.record(clocks_set(confirmed, policy, now))


def _no_time(until: datetime | None, now: datetime) -> Refusal | None:
    """Refuse a moment that is past or too far ahead."""
    if until is None:
        return None
    if until <= now:
        return reasons.refuse("moment_past", words=until.isoformat(" ", "minutes"))
    return reasons.refuse("moment_too_far", days=FURTHEST.days) if until - now > FURTHEST else None


def _over(builder: DecisionBuilder) -> Refusal | None:
    ticket = builder.ticket
    if ticket.status in OVER:
        return reasons.refuse("ticket_over", ticket=ticket.number, status=ticket.status)
    return None
