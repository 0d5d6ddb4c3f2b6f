"""What customers wrote beside their marks."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from mailbot.domain.events import SatisfactionRated
from mailbot.store.schema import events

_AT_ONCE = 500  # tickets in one query


@dataclass(frozen=True, slots=True)
class Rating:
    """The newest mark of a ticket, with the customer's comment ("" for none)."""

    ticket: str
    at: datetime
    score: int
    words: str


def newest(
    connection: Connection, numbers: Collection[str], since: datetime, until: datetime
) -> list[Rating]:
    """Load the newest mark of each of these tickets in [since, until), newest first."""
    wanted, found = sorted(set(numbers)), dict[str, Rating]()
    for start in range(0, len(wanted), _AT_ONCE):
        query = select(events.c.ticket, events.c.at, events.c.data).where(
            events.c.ticket.in_(wanted[start : start + _AT_ONCE]),
            events.c.kind == SatisfactionRated.kind,
            events.c.at >= since,
            events.c.at < until,
        )
        for ticket, at, data in connection.execute(query.order_by(events.c.ticket, events.c.seq)):
            found[ticket] = Rating(ticket, at, data["score"], data.get("words", ""))
    return sorted(found.values(), key=lambda each: each.at, reverse=True)
