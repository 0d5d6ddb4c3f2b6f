"""The live tickets of an agent or a team, found by index however many were closed."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select, text

from mailbot.domain.model import Ticket
from mailbot.store.lists.ticket_list import FOLDED, TicketFilter, conditions, visible_to
from mailbot.store.lists.ticket_rows import ticket_of
from mailbot.store.schema import drafts, tickets

if TYPE_CHECKING:  # the shell lists without it
    from mailbot.domain.people.access import Viewer

# Literal, or the partial index ix_tickets_live would not be seen to fit.
LIVE = text("tickets.status IN ('new', 'open', 'waiting')")


def snoozed_by(connection: Connection, now: datetime, limit: int) -> list[str]:
    """List the live tickets that were snoozed until then, the earliest first."""
    query = select(tickets.c.number).where(tickets.c.snoozed_until <= now, LIVE)
    return list(connection.scalars(query.order_by(tickets.c.snoozed_until).limit(limit)))


def live_tickets(connection: Connection, agent: str = "", team: str = "") -> list[Ticket]:
    """Load the live tickets of this agent, of this team, or of both; of an incident it alone."""
    query = select(tickets).where(LIVE, FOLDED)
    if agent:
        query = query.where(tickets.c.assignee == agent)
    if team:
        query = query.where(tickets.c.team == team)
    return [ticket_of(row) for row in connection.execute(query)]


def live_versions(connection: Connection, wanted: TicketFilter, most: int) -> list[tuple[str, int]]:
    """List (number, count of events) of the live tickets that fit; of more than `most` the oldest."""
    query = select(tickets.c.number, tickets.c.events).where(
        LIVE, *conditions(wanted, connection.dialect.name)
    )
    if wanted.statuses:
        query = query.where(tickets.c.status.in_(wanted.statuses))
    oldest = query.order_by(tickets.c.opened_at, tickets.c.number).limit(most)
    return [(number, events) for number, events in connection.execute(oldest)]


def tickets_of(connection: Connection, numbers: Collection[str]) -> dict[str, Ticket]:
    """Load these tickets by number, without the locks of `store.tickets.load`."""
    query = select(tickets).where(tickets.c.number.in_(numbers))
    return {row.number: ticket_of(row) for row in connection.execute(query)}


def counts_by_team(connection: Connection, viewer: "Viewer") -> dict[str, int]:
    """Count the live tickets of each team that this person may see."""
    count = func.count().label("tickets")
    query = select(tickets.c.team, count).where(LIVE, FOLDED, *visible_to(viewer))
    return {row.team: row.tickets for row in connection.execute(query.group_by(tickets.c.team))}


def drafted_by(connection: Connection, agent: str, numbers: Collection[str]) -> frozenset[str]:
    """Return those of the tickets on which this agent has begun to write."""
    begun = select(drafts.c.ticket).where(drafts.c.agent == agent, drafts.c.ticket.in_(numbers))
    return frozenset(connection.scalars(begun))
