"""Snooze: leave a ticket out of worklists until a time, and bring it back then. Its clocks run on."""

from datetime import datetime

from mailbot.domain import events as e
from mailbot.domain import ladder, notify, reasons
from mailbot.domain.actor import POLICY, Actor
from mailbot.domain.escalation import ownership
from mailbot.domain.lifecycle import Decision, DecisionBuilder
from mailbot.domain.model import OVER, NoticeKind, Ticket, Turn
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Refusal
from mailbot.domain.worktime import local


def snooze(
    builder: DecisionBuilder, until: datetime | None, by: Actor, policy: Policy, now: datetime
) -> Refusal | None:
    """Leave the ticket out of worklists until then; None brings it back at once.

    Refused beyond what the customer was promised: a promise must not be hidden from who has to keep it.
    """
    ticket = builder.ticket
    if ticket.status in OVER:
        return reasons.refuse("ticket_over", ticket=ticket.number, status=ticket.status)
    if until is None and ticket.snoozed_until is None:
        return reasons.refuse("not_snoozed", ticket=ticket.number)
    promised_at = ladder.promised_at(ticket, policy) if ticket.turn is not Turn.CUSTOMER else None
    if until and promised_at and until > promised_at:
        at = local(ladder.calendar_of(ticket, policy), promised_at)
        return reasons.refuse("snooze_beyond_promise", at=f"{at:%Y-%m-%d %H:%M %Z}")
    builder.record(e.TicketSnoozed(now, by, until))
    return None


def is_due(ticket: Ticket, now: datetime) -> bool:
    """Check whether a snoozed ticket is to come back."""
    return bool(ticket.snoozed_until and ticket.snoozed_until <= now and ticket.status not in OVER)


def come_back(ticket: Ticket, policy: Policy, now: datetime) -> Decision:
    """Bring a snoozed ticket back to its owner's worklist, and notify them."""
    builder = DecisionBuilder(ticket)
    builder.record(e.TicketSnoozed(now, POLICY, None))
    ownership.ensure_owner(builder, policy, now)
    notify.notify_team(builder, policy, now, NoticeKind.TURN_CAME_BACK, reasons.of("snooze_ended"))
    return builder.decision()
