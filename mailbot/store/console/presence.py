"""Who has a ticket's page open, and who is writing there. A page reports itself every few seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select

from mailbot.store.engine import insert_of
from mailbot.store.schema import presence

GONE = timedelta(seconds=45)  # three reports of a page were missed


@dataclass(frozen=True, slots=True)
class Seen:
    """A report: the agent has the page of the ticket open, and `wrote` since the last report."""

    ticket: str
    agent: str
    at: datetime
    wrote: bool = False


@dataclass(frozen=True, slots=True)
class Present:
    """An agent at the ticket. `writes`: has typed within GONE."""

    agent: str
    writes: bool


def report(connection: Connection, items: Sequence[Seen]) -> list[None]:
    """Record reports of pages: a write operation of the store."""
    insert = insert_of(connection.dialect.name, presence)
    wrote_at = func.coalesce(insert.excluded.wrote_at, presence.c.wrote_at)
    newer = {"seen_at": insert.excluded.seen_at, "wrote_at": wrote_at}
    statement = insert.on_conflict_do_update(index_elements=["ticket", "agent"], set_=newer)
    for item in items:
        row = {"ticket": item.ticket, "agent": item.agent, "seen_at": item.at}
        connection.execute(statement, {**row, "wrote_at": item.at if item.wrote else None})
    return [None] * len(items)


def remove(connection: Connection, ticket: str, agent: str) -> None:
    """Remove an agent who has just sent what was written; a page that stays open reports itself again."""
    connection.execute(delete(presence).where(presence.c.ticket == ticket, presence.c.agent == agent))


def others(connection: Connection, ticket: str, agent: str, now: datetime) -> list[Present]:
    """List who else is at the ticket now, those who write first."""
    here = (presence.c.ticket == ticket, presence.c.agent != agent, presence.c.seen_at > now - GONE)
    rows = connection.execute(select(presence.c.agent, presence.c.wrote_at).where(*here))
    found = [Present(row.agent, bool(row.wrote_at and row.wrote_at > now - GONE)) for row in rows]
    return sorted(found, key=lambda each: (not each.writes, each.agent))


def remove_expired(connection: Connection, now: datetime) -> int:
    """Remove who left."""
    return connection.execute(delete(presence).where(presence.c.seen_at < now - GONE)).rowcount
