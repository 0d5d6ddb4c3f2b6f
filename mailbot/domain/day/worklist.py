"""What an agent or a team has to do: their tickets by promise, without those where nothing is to be done now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from mailbot.domain import ladder, notify
from mailbot.domain.model import OVER, Ticket, Turn
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Reason
from mailbot.domain.ticket_clocks import PROMISES


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A ticket with the end of its promise, and what comes next by itself and when."""

    ticket: Ticket
    promised_at: datetime | None
    next_step: tuple[datetime, Reason] | None

    def is_overdue(self, now: datetime) -> bool:
        return bool(self.promised_at and self.promised_at <= now)

    @property
    def at_risk_from(self) -> datetime | None:
        """Return when the last quarter of the promise begins, counted from when its clock began to run."""
        began = [clock.running_since for clock in self.ticket.clocks if clock.target in PROMISES]
        first = min(filter(None, began), default=None)
        return self.promised_at - (self.promised_at - first) / 4 if first and self.promised_at else None

    def is_soon(self, now: datetime) -> bool:
        """Check for the last quarter of the promise."""
        return bool(self.at_risk_from and self.at_risk_from <= now)


def worklist(tickets: Iterable[Ticket], policy: Policy, now: datetime, *, everything: bool) -> list[WorkItem]:
    """Return the live tickets, the earliest promise first and those without one last.

    `everything`: snoozed tickets and those where it is the customer's turn, too.
    """
    live = (ticket for ticket in tickets if ticket.status not in OVER)
    shown = [build(ticket, policy, now) for ticket in live if everything or not rests(ticket, now)]
    return sorted(
        shown, key=lambda item: (item.promised_at is None, item.promised_at or now, item.ticket.opened_at)
    )


def build(ticket: Ticket, policy: Policy, now: datetime) -> WorkItem:
    """Return the ticket's line."""
    steps = notify.next_steps(ticket, policy, now)
    return WorkItem(ticket, ladder.promised_at(ticket, policy), steps[0] if steps else None)


def rests(ticket: Ticket, now: datetime) -> bool:
    """Check whether nothing is to be done: it is snoozed, or waits for the customer."""
    return is_snoozed(ticket, now) or ticket.turn is Turn.CUSTOMER


def is_snoozed(ticket: Ticket, now: datetime) -> bool:
    return bool(ticket.snoozed_until and ticket.snoozed_until > now)
