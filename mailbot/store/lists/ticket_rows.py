"""Rows of tickets and their events as values. What only reads needs no more than this of `store.tickets`."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, exists, select

from mailbot.domain.model import Status, Ticket
from mailbot.store.codec import CLOCKS, event_of, reason_of
from mailbot.store.schema import compensations, events, links, tickets

if TYPE_CHECKING:  # a list reads no event
    from mailbot.domain.events import Event

SHAPED = frozenset({"clocks", "details", "status", "tags", "turn_why"})  # not stored as they are
PLAIN = [each.name for each in fields(Ticket) if each.name not in SHAPED]


def ticket_of(row: Row[Any]) -> Ticket:
    """Convert a row of `tickets` to the value."""
    return Ticket(
        **{name: getattr(row, name) for name in PLAIN},
        status=Status(row.status),
        tags=tuple(row.tags),
        clocks=CLOCKS.load(row.clocks),
        details=tuple((name, value) for name, value in row.details),
        turn_why=reason_of(row.turn_why),
    )


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    seq: int
    policy: str
    event: "Event"


def events_of(connection: Connection, number: str) -> list[RecordedEvent]:
    rows = connection.execute(select(events).where(events.c.ticket == number).order_by(events.c.seq))
    return [RecordedEvent(row.seq, row.policy, event_of(row.kind, row.at, row.by, row.data)) for row in rows]


def family(connection: Connection, number: str) -> list[str]:
    """Return the ticket and all that were merged into it, through chains too."""
    found, newest = [number], [number]
    while newest:
        merged = (
            select(tickets.c.number)
            .join(links, links.c.ticket == tickets.c.number)
            # The link stays after an unmerge: the ticket shows whether it still holds.
            .where(links.c.other.in_(newest), tickets.c.merged_into == links.c.other)
            .where(links.c.kind == "merged_into")
        )
        newest = [each for each in connection.scalars(merged) if each not in found]
        found += newest
    return found


def has_compensation(connection: Connection, number: str) -> bool:
    """Check whether the ledger has lines of this ticket."""
    lines = exists().where(compensations.c.ticket.in_(family(connection, number)))
    return bool(connection.scalar(select(lines)))
