"""Forms and requests that were carried out, each once, by the key that came with it.

The row is written in the transaction of the act. So a form that is sent again after a crash finds either nothing,
and is carried out, or its row, and the page shows that it was done.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from mailbot.domain.actor import Actor
from mailbot.store.schema import done_forms

KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class DoneForm:
    """A form that was carried out. `result`: what the page then shows, "" for nothing more."""

    ticket: str | None
    result: str
    at: datetime


def find(connection: Connection, key: str, by: Actor) -> DoneForm | None:
    """Return what came of a form with this key, of this person."""
    columns = (done_forms.c.ticket, done_forms.c.result, done_forms.c.at)
    query = select(*columns).where(done_forms.c.key == key, done_forms.c.by == str(by))
    row = connection.execute(query).one_or_none()
    return DoneForm(**row._mapping) if row else None


def add(
    connection: Connection, key: str, by: Actor, now: datetime, ticket: str = "", result: str = ""
) -> None:
    """Record that a form was carried out. A key that is there already makes the whole transaction fail."""
    row = {"key": key, "by": str(by), "ticket": ticket or None, "result": result, "at": now}
    connection.execute(insert(done_forms).values(row))


def remove_expired(connection: Connection, now: datetime) -> int:
    """Remove what nobody sends again."""
    return connection.execute(delete(done_forms).where(done_forms.c.at < now - KEPT)).rowcount
