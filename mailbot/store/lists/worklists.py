"""The live tickets of an agent or a team, found by index however many were closed."""

from datetime import datetime

from sqlalchemy import Connection, or_, select, text

from mailbot.domain.model import Ticket
from mailbot.store.lists.ticket_rows import ticket_of
from mailbot.store.schema import tickets

# Literal, or the partial index ix_tickets_live would not be seen to fit.
LIVE = text("tickets.status IN ('new', 'open', 'waiting')")


def snoozed_by(connection: Connection, now: datetime, limit: int) -> list[str]:
    """List the live tickets that were snoozed until then, the earliest first."""
    query = select(tickets.c.number).where(tickets.c.snoozed_until <= now, LIVE)
    return list(connection.scalars(query.order_by(tickets.c.snoozed_until).limit(limit)))


def live_tickets(connection: Connection, agent: str = "", team: str = "") -> list[Ticket]:
    """Load the live tickets of this agent, of this team, or of both; of an incident it alone."""
    own = or_(tickets.c.incident.is_(None), tickets.c.incident == tickets.c.number)  # complaints are folded
    query = select(tickets).where(LIVE, own)
    if agent:
        query = query.where(tickets.c.assignee == agent)
    if team:
        query = query.where(tickets.c.team == team)
    return [ticket_of(row) for row in connection.execute(query)]
