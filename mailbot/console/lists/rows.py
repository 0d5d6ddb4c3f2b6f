"""The lines of tickets, the same on every page: `pages/lists/rows.html` shows them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from mailbot.console.desk import Desk
from mailbot.domain.day import worklist
from mailbot.domain.day.worklist import WorkItem
from mailbot.domain.model import OVER, Ticket, Turn
from mailbot.domain.people.access import Viewer
from mailbot.domain.people.identities import MAIL, channel_label, label
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import render
from mailbot.mail.compose.notice_values import with_labels
from mailbot.store.lists import customer_names, worklists
from mailbot.views.clean_text import clean
from mailbot.workers.runtime import load_missing_ladders


class State(StrEnum):
    """What a line shows first of its ticket."""

    LATE = "late"
    SOON = "soon"  # the last quarter of the promise
    OURS = "ours"
    CUSTOMER = "customer"  # whose turn it is
    THIRD_PARTY = "third_party"
    SNOOZED = "snoozed"
    HELD = "held"  # to be accepted or rejected first
    CLOSED = "closed"
    MERGED = "merged"
    FILED = "filed"


@dataclass(frozen=True, slots=True)
class Row:
    """A ticket in a list. `customer`, `agent`: names, or the address where none is known; "" for no agent.

    `channel`: by which it was opened, "" for mail.
    `next_step`: what comes by itself, and when. `drafted`: the viewer has begun to write on it.
    """

    ticket: Ticket
    subject: str
    customer: str
    agent: str
    state: State
    promised_at: datetime | None
    next_step: tuple[datetime, str] | None
    drafted: bool
    channel: str


async def rows(desk: Desk, viewer: Viewer, tickets: Sequence[Ticket]) -> list[Row]:
    """Return the lines of those tickets that the viewer may see, in their order."""
    return await desk.read(read_rows, desk, viewer, tickets)


def read_rows(connection: Connection, desk: Desk, viewer: Viewer, tickets: Iterable[Ticket]) -> list[Row]:
    """Do the same within a query."""
    shown = [ticket for ticket in tickets if viewer.may_see(ticket)]
    policy = load_missing_ladders(connection, desk.deps.runtime.snapshot, shown).policy
    numbers = [ticket.number for ticket in shown]
    names = {address: clean(name, 60) for address, name in customer_names.of_tickets(connection, numbers)}
    drafted = worklists.drafted_by(connection, viewer.address, numbers)
    now = desk.now()
    return [_row(ticket, policy, viewer, names, drafted, now) for ticket in shown]


def _row(
    ticket: Ticket,
    policy: Policy,
    viewer: Viewer,
    names: dict[str, str],
    drafted: frozenset[str],
    now: datetime,
) -> Row:
    item = worklist.build(ticket, policy, now)
    agent = policy.agents.get(ticket.assignee or "")
    return Row(
        ticket=ticket,
        subject=clean(ticket.subject) or ticket.number,
        customer=names.get(ticket.customer) or label(ticket.customer),
        agent=agent.name if agent else ticket.assignee or "",
        state=state_of(item, now),
        promised_at=None if ticket.status in OVER else item.promised_at,
        next_step=_next_step(item, policy, viewer.language),
        drafted=ticket.number in drafted,
        channel=channel_label(ticket.channel) if ticket.channel != MAIL else "",
    )


def state_of(item: WorkItem, now: datetime) -> State:
    """Return what matters most about a ticket. A promise that was missed comes before whose turn it is."""
    ticket = item.ticket
    if ticket.status in OVER:
        return State(ticket.status)
    if worklist.is_snoozed(ticket, now):
        return State.SNOOZED
    if ticket.held_for:
        return State.HELD
    if ticket.turn is Turn.CUSTOMER:
        return State.CUSTOMER
    if item.is_overdue(now):
        return State.LATE
    if ticket.turn is Turn.THIRD_PARTY:
        return State.THIRD_PARTY
    return State.SOON if item.is_soon(now) else State.OURS


def _next_step(item: WorkItem, policy: Policy, language: str) -> tuple[datetime, str] | None:
    if item.next_step is None or item.ticket.status in OVER:
        return None
    at, reason = item.next_step
    return at, render(with_labels(reason, policy, language), language)
