"""By when the customer expects news of a ticket, and by when the next news comes.

A customer who was given a time gets a later one before it passes. No time that we give is earlier than the one
before, and none is in the past.
"""

from dataclasses import replace
from datetime import datetime

from mailbot.domain import ladder, ticket_clocks
from mailbot.domain.ladder import MISSED
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy
from mailbot.domain.ticket_clocks import INTERNAL_TARGETS


def first_promise(ticket: Ticket, policy: Policy, now: datetime) -> datetime | None:
    """Return the promise that runs, None where none does. News of an incident comes when that is over.

    No clock runs on a held ticket. Its sender reads what anybody reads, else they learn that the number is right.
    """
    if ticket.is_complaint:
        return None
    return ladder.promised_at(_unheld(ticket, policy, now), policy)


def later_news(ticket: Ticket, policy: Policy, now: datetime) -> datetime:
    """Return when the next promise ends, later than the time that the customer has.

    Without such a promise it is when something comes due, else after another interval of reminders.
    """
    ticket = _unheld(ticket, policy, now)
    after = max(now, ticket.informed_until or now)
    mine, calendar = ladder.ladder_of(ticket, policy), ladder.calendar_of(ticket, policy)
    ahead = [each for each in ladder.deadlines(ticket, mine, calendar) if each.due_at > after]
    promised = [each for each in ahead if each.step == MISSED and each.target not in INTERNAL_TARGETS]
    return next(
        (each.due_at for each in (*promised, *ahead)), ladder.after_span(calendar, after, mine.repeat)
    )


def _unheld(ticket: Ticket, policy: Policy, now: datetime) -> Ticket:
    if not ticket.held_for:
        return ticket
    ticket = replace(ticket, held_for=None, clocks=())
    mine, calendar = ladder.ladder_of(ticket, policy), ladder.calendar_of(ticket, policy)
    return replace(ticket, clocks=ticket_clocks.clocks_for(ticket, mine, calendar, now))
