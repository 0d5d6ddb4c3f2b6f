"""What was done about causes of tickets, and when tickets with a cause were closed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from mailbot.store.schema import cause_actions, tickets


@dataclass(frozen=True, slots=True)
class CauseAction:
    """`text` was done about a cause at that time; `by` is who recorded it."""

    cause: str
    at: datetime
    by: str
    text: str


_NAMES = ("cause", "at", "by", "text")


def add(connection: Connection, actions: Sequence[CauseAction]) -> list[None]:
    """Record what was done."""
    connection.execute(
        insert(cause_actions), [{name: getattr(each, name) for name in _NAMES} for each in actions]
    )
    return [None] * len(actions)


def actions(connection: Connection, until: datetime) -> list[CauseAction]:
    """List what was done before `until`, oldest first."""
    query = select(cause_actions).where(cause_actions.c.at < until)
    rows = connection.execute(query.order_by(cause_actions.c.at, cause_actions.c.id))
    return [CauseAction(row.cause, row.at, row.by, row.text) for row in rows]


def closings(
    connection: Connection, causes: Collection[str], since: datetime, until: datetime, team: str = ""
) -> list[tuple[str, datetime]]:
    """List cause and time of the closing of tickets that are closed with one of these causes."""
    query = select(tickets.c.cause, tickets.c.closed_at).where(
        tickets.c.cause.in_(sorted(causes)), tickets.c.closed_at >= since, tickets.c.closed_at < until
    )
    if team:
        query = query.where(tickets.c.team == team)
    return [(row.cause, row.closed_at) for row in connection.execute(query)]


def first_ticket_at(connection: Connection) -> datetime | None:
    """Return when the first ticket was opened: before that there is nothing to compare with."""
    found: datetime | None = connection.scalar(select(func.min(tickets.c.opened_at)))
    return found


def counts(connection: Connection) -> dict[str, int]:
    """Count the tickets with each cause."""
    query = select(tickets.c.cause, func.count().label("number")).where(tickets.c.cause != "")
    return {row.cause: row.number for row in connection.execute(query.group_by(tickets.c.cause))}
