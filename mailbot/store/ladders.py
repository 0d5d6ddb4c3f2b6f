"""Ladders as tickets got them, by the digest on the ticket."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from mailbot.domain.model import OVER, Ticket
from mailbot.domain.policy import Ladder, Policy
from mailbot.store.codec import Codec
from mailbot.store.engine import or_skip
from mailbot.store.lists.ticket_rows import ticket_of
from mailbot.store.schema import ARMED, deadlines, ladders, tickets

_LADDER = Codec(Ladder)
_IS_OPEN = tickets.c.status.not_in([status.value for status in OVER])


def save(connection: Connection, items: Sequence[Policy]) -> list[None]:
    """Save each ladder of these policies once, before the first ticket that uses it."""
    rows = {
        each.digest: {
            "digest": each.digest,
            "name": each.name,
            "content": _LADDER.dump(each),
        }
        for policy in items
        for each in policy.ladders.values()
    }
    if rows:
        connection.execute(or_skip(connection, ladders, "digest"), [rows[digest] for digest in sorted(rows)])
    return [None] * len(items)


def load(connection: Connection, digests: Collection[str] | None = None) -> dict[str, Ladder]:
    """Load the ladders that any policy ever had, or those of these digests."""
    query = select(ladders.c.digest, ladders.c.content)
    if digests is not None:
        query = query.where(ladders.c.digest.in_(digests))
    return {row.digest: _LADDER.load(row.content) for row in connection.execute(query)}


def open_tickets(connection: Connection, after: str, limit: int) -> list[tuple[Ticket, datetime | None]]:
    """List the next open tickets by number, after `after`, each with its armed deadline."""
    armed = (deadlines.c.ticket == tickets.c.number) & (deadlines.c.state == ARMED)
    query = (
        select(tickets, deadlines.c.due_at.label("due_at"))
        .select_from(tickets.outerjoin(deadlines, armed))
        .where(_IS_OPEN, tickets.c.number > after)
        .order_by(tickets.c.number)
        .limit(limit)
    )
    return [(ticket_of(row), row.due_at) for row in connection.execute(query)]


def count_open_by_ladder(connection: Connection) -> list[tuple[str, str, int]]:
    """(name, digest, how many open tickets climb it)."""
    columns = (tickets.c.ladder, tickets.c.ladder_digest)
    query = select(*columns, func.count()).where(_IS_OPEN).group_by(*columns).order_by(*columns)
    return [(name, digest, count) for name, digest, count in connection.execute(query)]
