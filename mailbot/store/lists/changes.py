"""What has just changed: for open pages, which load again what they show of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from mailbot.store.schema import events, tickets


@dataclass(frozen=True, slots=True)
class Change:
    """An event without its content."""

    ticket: str
    seq: int
    kind: str


def since(connection: Connection, at: datetime) -> list[Change]:
    """List the events since then, by their own time."""
    query = select(events.c.ticket, events.c.seq, events.c.kind).where(events.c.at >= at)
    return [Change(*row) for row in connection.execute(query)]


def places(connection: Connection, numbers: Collection[str]) -> dict[str, tuple[str, str | None]]:
    """Return the team and the assignee of these tickets."""
    query = select(tickets.c.number, tickets.c.team, tickets.c.assignee).where(tickets.c.number.in_(numbers))
    return {row.number: (row.team, row.assignee) for row in connection.execute(query)}
