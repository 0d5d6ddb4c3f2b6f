"""The next deadline of each ticket: armed with every decision, claimed when due."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, select, update

from mailbot.domain.ladder import Deadline
from mailbot.domain.model import DeadlineState, Ticket
from mailbot.store.database.prepared import replacing
from mailbot.store.schema import ARMED, deadlines

_ARM = replacing(deadlines, ("ticket", "due_at", "target", "step", "state", "reason"), "ticket")


def arm(
    connection: Connection, newest: Mapping[str, Deadline | None], before: Mapping[str, Ticket | None]
) -> None:
    """Replace each ticket's deadline by its next one; None removes it."""
    gone = [number for number, deadline in newest.items() if deadline is None and before.get(number)]
    if gone:
        connection.execute(delete(deadlines).where(deadlines.c.ticket.in_(gone)))
    armed = {"state": DeadlineState.ARMED, "reason": None}
    rows = [
        {
            "ticket": number,
            "due_at": deadline.due_at,
            "target": deadline.target.value,
            "step": deadline.step,
            **armed,
        }
        for number, deadline in newest.items()
        if deadline
    ]
    if rows:
        _ARM.run(connection, rows)


@dataclass(frozen=True, slots=True)
class Due:
    """A ticket's deadline that has come."""

    ticket: str
    due_at: datetime


def due(connection: Connection, now: datetime, limit: int) -> list[Due]:
    """List the deadlines that are due by `now`, earliest first."""
    return [Due(row.ticket, row.due_at) for row in connection.execute(_due(now).limit(limit))]


def _due(now: datetime) -> Select[Any]:
    query = select(deadlines.c.ticket, deadlines.c.due_at)
    return query.where(deadlines.c.state == ARMED, deadlines.c.due_at <= now).order_by(deadlines.c.due_at)


def still_due(connection: Connection, numbers: Collection[str], now: datetime) -> list[Due]:
    """Return which of these are still due, read while their tickets are locked (`tickets.load_free`).

    Every change of a deadline holds its ticket's lock, so the node that was first has armed another time.
    """
    return [
        Due(row.ticket, row.due_at)
        for row in connection.execute(_due(now).where(deadlines.c.ticket.in_(numbers)))
    ]


def next_due_at(connection: Connection) -> datetime | None:
    first = select(deadlines.c.due_at).where(deadlines.c.state == ARMED).order_by(deadlines.c.due_at).limit(1)
    return connection.scalar(first)


@dataclass(frozen=True, slots=True)
class ParkedDeadline:
    ticket: str
    reason: str


def park(connection: Connection, items: Sequence[ParkedDeadline]) -> list[None]:
    """Set deadlines aside that our code failed on. The ticket's next decision arms a new one."""
    connection.execute(
        update(deadlines)
        .where(deadlines.c.ticket == bindparam("b_ticket"))
        .values(state=DeadlineState.PARKED, reason=bindparam("b_reason")),
        [{"b_ticket": item.ticket, "b_reason": item.reason[:500]} for item in items],
    )
    return [None] * len(items)
