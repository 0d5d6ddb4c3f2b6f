"""The feed: which events were recorded, in an order in which none is passed by.

Theory of operation. A row of `event_feed` is written in the transaction that records its event. On SQLite one
writer commits after the other, so ids follow the commits. On PostgreSQL a row may become visible after one with a
higher id: a reader that went on by ids alone would pass it by. So each row has its transaction, and a `Place` is a
window of transactions that are all over, with an id inside it. The next window begins where this one ends, and ends
at the oldest transaction still running. Inside a window rows are read by id: a ticket's events are recorded under its
lock, so their ids are in order, and a later one is over only when the earlier is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    cast,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy import Text as SqlText

from mailbot.domain.webhooks.event_types import KINDS
from mailbot.store.database.prepared import Prepared
from mailbot.store.schema import event_feed

OPTION = "event_feed"  # of the engine: a function that says whether to record here too, see `store.Store`
_FINISHED = 1  # before it come entries without a transaction: all of SQLite, and those of another server
_COLUMNS = ("ticket", "seq", "at")


@dataclass(frozen=True, slots=True)
class Place:
    """How far a reader is: up to the id `position` of the transactions from `window_from` to before `window_to`."""

    position: int
    window_from: int = 0
    window_to: int = _FINISHED


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """An event in the feed. `seq`: its place among its ticket's events, from 1."""

    id: int
    ticket: str
    seq: int
    at: datetime


_ENTRY = tuple(event_feed.c[each.name] for each in fields(FeedEntry))


def _add(dialect: str) -> object:
    if dialect == "sqlite":
        return insert(event_feed)
    return insert(event_feed).values(transaction=_number(func.pg_current_xact_id()))


_ADD = Prepared(_add, _COLUMNS)


def add(connection: Connection, recorded: Sequence[dict[str, object]]) -> None:
    """Add those of these rows of `events` that webhooks hear of, where the engine's option says so."""
    is_wanted = connection.get_execution_options().get(OPTION)
    if is_wanted is None or not is_wanted():
        return
    rows = [{name: row[name] for name in _COLUMNS} for row in recorded if row["kind"] in KINDS]
    if rows:
        _ADD.run(connection, rows)


def read(connection: Connection, place: Place, limit: int) -> tuple[Place, list[FeedEntry]]:
    """Read the next entries. Return them with the place that they begin after: it may be in a later window."""
    if found := _entries(connection, place, limit):
        return place, found
    following = _next_window(connection, place)
    return (following, _entries(connection, following, limit)) if following else (place, [])


def count_after(connection: Connection, place: Place) -> int:
    """Count the entries after a place."""
    return connection.scalar(select(func.count()).select_from(event_feed).where(_after(place))) or 0


def first_after(connection: Connection, place: Place) -> int | None:
    """Return the lowest id of the entries after a place, None where there is none."""
    first: int | None = connection.scalar(select(func.min(event_feed.c.id)).where(_after(place)))
    return first


def _after(place: Place) -> ColumnElement[bool]:
    return _inside(place) | (event_feed.c.transaction >= place.window_to)


def newest_place(connection: Connection) -> Place:
    """Return the place after all that is over now."""
    edge = _edge(connection)
    if connection.dialect.name == "sqlite":
        return Place(connection.scalar(select(func.max(event_feed.c.id))) or 0)
    return Place(0, edge, edge)


def place_before(connection: Connection, condition: ColumnElement[bool]) -> Place | None:
    """Return the place before all entries of this kind, None where there is none."""
    first = select(func.min(event_feed.c.id), func.min(event_feed.c.transaction)).where(condition)
    position, transaction = connection.execute(first).one()
    if position is None:
        return None
    return Place(position - 1, transaction, max(transaction, _edge(connection)))


def is_of_this_server(connection: Connection, place: Place) -> bool:
    """Check that the place's window has ended here. Another server may not have counted so far."""
    return place.window_to <= max(_edge(connection), _FINISHED)


def forget_transactions(connection: Connection) -> int:
    """Let all entries count as those of transactions that are over. Return the highest id, 0 for none."""
    connection.execute(update(event_feed).values(transaction=0))
    return connection.scalar(select(func.max(event_feed.c.id))) or 0


def remove_before(connection: Connection, at: datetime, position: int, limit: int) -> int:
    """Remove up to `limit` entries that are older than `at` and not above `position`. Return how many."""
    old = select(event_feed.c.id).where(event_feed.c.at < at, event_feed.c.id <= position)
    ids = old.order_by(event_feed.c.at).limit(limit).scalar_subquery()
    return connection.execute(delete(event_feed).where(event_feed.c.id.in_(ids))).rowcount


def _entries(connection: Connection, place: Place, limit: int) -> list[FeedEntry]:
    query = select(*_ENTRY).where(_inside(place)).order_by(event_feed.c.id).limit(limit)
    return [FeedEntry(*row) for row in connection.execute(query)]


def _inside(place: Place) -> ColumnElement[bool]:
    numbers = event_feed.c.transaction
    window = (numbers >= place.window_from) & (numbers < place.window_to)
    return window & (event_feed.c.id > place.position)


def _next_window(connection: Connection, place: Place) -> Place | None:
    """Return the window that follows, None where nothing is in it."""
    edge = _edge(connection)
    numbers = event_feed.c.transaction
    inside = (numbers >= place.window_to, numbers < edge)
    first = connection.scalar(select(func.min(event_feed.c.id)).where(*inside))
    return None if first is None else Place(first - 1, place.window_to, edge)


def _edge(connection: Connection) -> int:
    """Return the oldest transaction that may still be under way: all before it are over."""
    if connection.dialect.name == "sqlite":
        return _FINISHED
    oldest = func.pg_snapshot_xmin(func.pg_current_snapshot())
    return connection.scalar(select(_number(oldest))) or 0


def _number(transaction: ColumnElement[object]) -> ColumnElement[int]:
    return cast(cast(transaction, SqlText), BigInteger)
