"""Mails that opened tickets, each as it came and as it was routed: what a replay decides on again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, text

from mailbot.domain.events import TicketRouted
from mailbot.domain.model import Envelope, Status
from mailbot.store.codec import event_of
from mailbot.store.schema import events, inbox, messages, raw_mails, tickets

_ROUTED = 2  # a ticket's second event is the routing of its mail; later ones were not decided by rules
# As literal text: a planner can't match a bound parameter with the condition of a partial index.
_MOVED = text("messages.home <> messages.ticket")


@dataclass(frozen=True, slots=True)
class OpeningMail:
    """`policy` is the version that routed it; `inbox_id` is where its bytes are (`raw`)."""

    number: str
    customer: str
    at: datetime
    policy: str
    envelope: Envelope
    inbox_id: int
    routed: TicketRouted


def numbers_since(connection: Connection, since: datetime) -> list[str]:
    """List the tickets opened from then on, oldest first, split-off ones included."""
    # Naming every status lets the engine use the index on status and opened_at.
    statuses = tickets.c.status.in_([status.value for status in Status])
    query = select(tickets.c.number).where(statuses, tickets.c.opened_at >= since)
    return list(connection.scalars(query.order_by(tickets.c.opened_at, tickets.c.number)))


def load_openings(connection: Connection, numbers: Sequence[str]) -> list[OpeningMail]:
    """Load the mails that opened these tickets, in their order.

    Tickets without such a mail (split off from another), or whose mail is deleted, are missing.
    """
    routed = _routed(connection, numbers)
    first = _first_mails(connection, list(routed))
    envelopes = _envelopes(connection, list(first.values()))
    found = []
    for number in numbers:
        if number not in routed or first.get(number) not in envelopes:
            continue
        row, inbox_id = routed[number], first[number]
        event = event_of(row.kind, row.at, row.by, row.data)
        assert isinstance(event, TicketRouted)
        found.append(
            OpeningMail(number, row.customer, row.at, row.policy, envelopes[inbox_id], inbox_id, event)
        )
    return found


def _routed(connection: Connection, numbers: Sequence[str]) -> dict[str, Row[Any]]:
    """Load the routing events by number. Routing by people has no customer history: no rule was used."""
    query = (
        select(events, tickets.c.customer)
        .join(tickets, tickets.c.number == events.c.ticket)
        .where(events.c.ticket.in_(numbers), events.c.seq == _ROUTED)
        .where(events.c.kind == TicketRouted.kind, events.c.by == "policy")
    )
    return {row.ticket: row for row in connection.execute(query)}


def raw_mail(connection: Connection, inbox_id: int) -> bytes:
    """Load a mail as it came."""
    content: bytes = connection.execute(_RAW, {"inbox_id": inbox_id}).scalar_one()
    return content


_RAW = select(raw_mails.c.content).where(raw_mails.c.inbox_id == bindparam("inbox_id"))


def _first_mails(connection: Connection, numbers: Sequence[str]) -> dict[str, int]:
    """Number -> inbox id of the mail that was filed on it first, wherever that message is now."""
    here = (messages.c.ticket.in_(numbers), messages.c.home == messages.c.ticket)
    moved = (messages.c.home.in_(numbers), _MOVED)
    found: dict[str, tuple[int, int]] = {}
    for where in (here, moved):
        query = select(messages.c.id, messages.c.home, messages.c.inbox_id)
        for row in connection.execute(query.where(*where, messages.c.inbox_id.is_not(None))):
            found[row.home] = min(found.get(row.home, (row.id, row.inbox_id)), (row.id, row.inbox_id))
    return {number: inbox_id for number, (_, inbox_id) in found.items()}


def _envelopes(connection: Connection, ids: Sequence[int]) -> dict[int, Envelope]:
    """Load the envelopes of mails whose bytes are kept."""
    query = select(inbox).join(raw_mails).where(inbox.c.id.in_(ids))
    return {
        row.id: Envelope(row.sender, tuple(row.recipients), row.peer, row.received_at)
        for row in connection.execute(query)
    }
