"""Move a store into an empty database, on either engine, and prove that both hold the same.

Theory of operation. One transaction on each side. That of the source keeps out whoever writes, also the pipe of a
mail server, which then tries again later. That of the target is committed after counts and digests of every table
were found equal, so an interrupted move leaves nothing behind. Last the source is marked: no daemon starts on it.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    LargeBinary,
    Table,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError

from mailbot.errors import StoreUnavailable
from mailbot.store import migrate
from mailbot.store.database.prepared import savepoint
from mailbot.store.database.rows import canonical_value, fit, plain
from mailbot.store.engine import open_engine
from mailbot.store.schema import STORED
from mailbot.store.schema import nodes as known_nodes
from mailbot.store.service import installation, nodes
from mailbot.store.service.claims import DEAD_AFTER

BATCH_ROWS, BATCH_BYTES = 500, 4 << 20
READ_AHEAD, READ_AHEAD_BLOBS = 500, 4  # rows; one with a mail may have 64 MB
_MODULUS = 1 << 256

_OWNER = "\nThe role must own the database: createdb --owner ROLE, or ALTER DATABASE ... OWNER TO ROLE"

Row = dict[str, Any]
# (rows, how many there are, what is done) -> the same rows: for a progress bar.
Watch = Callable[[Iterable[Row], int, str], Iterable[Row]]


class MoveRefused(Exception):
    """The store can't be moved, for a reason that an operator can mend. Nothing was changed."""


class MoveInDoubt(Exception):
    """The connection broke at the end: the target holds everything or nothing."""


@dataclass(slots=True)
class Tally:
    """Rows that were read: how many, and a digest that does not depend on their order."""

    rows: int = 0
    total: int = 0

    def add(self, row: Row) -> None:
        values = [canonical_value(row[name]) for name in sorted(row)]
        packed = json.dumps(values, sort_keys=True, separators=(",", ":")).encode()
        self.rows += 1
        self.total = (self.total + int.from_bytes(hashlib.sha256(packed).digest())) % _MODULUS

    @property
    def digest(self) -> str:
        return f"{self.total:064x}"


@dataclass(frozen=True, slots=True)
class Compared:
    """One table on both sides."""

    table: str
    rows: int
    digest: str
    rows_there: int
    digest_there: str

    @property
    def same(self) -> bool:
        return (self.rows, self.digest) == (self.rows_there, self.digest_there)


@dataclass(slots=True)
class Outcome:
    """What a move did. `released`: rows that a daemon had in hand when it died. `replaced`: values with
    characters that PostgreSQL can't keep, as "table key: column".
    """

    tables: list[Compared] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    released: int = 0

    @property
    def same(self) -> bool:
        return all(table.same for table in self.tables)


def move(source: str, target: str, target_name: str, now: datetime, watch: Watch) -> Outcome:
    """Copy all rows and commit when both sides are the same; then mark the source as moved to `target_name`.

    Raises MoveRefused, MoveInDoubt, StoreUnavailable.
    """
    _prepare(target)
    with opened(source, "the store") as here, opened(target, "the target") as there:
        if reason := installation.moved_reason(here):
            raise MoveRefused(reason)
        _require_empty(there)
        outcome = Outcome(released=_release(here))
        for table in map(plain, STORED):
            read = _read(here, table, outcome.replaced)
            ours = _copy(watch(read, _count(here, table), f"copy {table.name}"), there, table)
            outcome.tables.append(_compared(table, ours, there, watch))
        if outcome.same:
            _finish(here, there)
            commit(there)
            installation.mark_moved(here, target_name, now)
            here.commit()
    return outcome


def verify(source: str, target: str, watch: Watch) -> Outcome:
    """Compare two stores and change neither. Rows under way count as released, as `move` copies them."""
    with opened(source, "the store") as here, opened(target, "the target") as there:
        outcome = Outcome(released=_release(here))
        installation.reopen(here, [None])
        for table in map(plain, STORED):
            ours = Tally()
            for row in watch(_read(here, table, outcome.replaced), _count(here, table), f"read {table.name}"):
                ours.add(row)
            outcome.tables.append(_compared(table, ours, there, watch))
    return outcome


def _prepare(target: str) -> None:
    """Create the tables, or bring those of an empty store to this version."""
    try:
        migrate.upgrade(target)
    except StoreUnavailable as error:
        hint = _OWNER if "permission denied" in str(error) else ""
        raise MoveRefused(f"the target can't be used: {error}{hint}") from error


@contextmanager
def opened(url: str, name: str) -> Iterator[Connection]:
    """Open a transaction that keeps all other writers out. It is rolled back unless it is committed."""
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            _require_this_schema(connection, name)
            _lock(connection)
            _require_no_daemon(connection, name)
            yield connection
    except DBAPIError as error:
        raise MoveRefused(f"{name} can't be used now: {first_line(error)}") from error
    finally:
        engine.dispose()


def _require_this_schema(connection: Connection, name: str) -> None:
    found = migrate.current(connection)
    if found != migrate.HEAD:
        raise MoveRefused(
            f"{name} has schema {found or 'none'}, this version moves {migrate.HEAD}. Back it up, then run "
            "`mailbot db upgrade` on it"
        )


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(text("SELECT 1"))  # the transaction begins with the write lock
        return
    for setting in (
        "statement_timeout = 0",
        "idle_in_transaction_session_timeout = 0",
        "lock_timeout = '10s'",
    ):
        connection.execute(text(f"SET LOCAL {setting}"))
    names = ", ".join(table.name for table in STORED)
    connection.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))  # readers may go on


def _require_no_daemon(connection: Connection, name: str) -> None:
    """Refuse while a daemon uses a PostgreSQL store. On SQLite the life lock knows better than the table."""
    if connection.dialect.name == "sqlite":
        return
    alive = nodes.database_time(connection) - DEAD_AFTER
    found = connection.execute(select(known_nodes).where(known_nodes.c.seen_at > alive)).first()
    if found:
        raise MoveRefused(
            f"{name} is in use by a daemon on {found.host} (process {found.pid}): stop it first. "
            f"One that was killed counts as dead after {DEAD_AFTER.total_seconds():.0f} s"
        )


def _require_empty(there: Connection) -> None:
    for table in STORED:
        if rows := _count(there, table):
            raise MoveRefused(
                f"the target is not empty: {table.name} holds {rows} rows. Name an empty database (`createdb`). "
                "If an earlier move was cut off at its end, `--verify` shows whether this is its result"
            )


def _release(here: Connection) -> int:
    """Release what a daemon had in hand when it died, as a start does."""
    return nodes.mark_others_dead(here, [""])[0]


# --- rows -------------------------------------------------------------------------------------------------


def _count(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


def _read(connection: Connection, table: Table, replaced: list[str]) -> Iterator[Row]:
    """Stream all rows of a table, with each character replaced that PostgreSQL can't keep."""
    blobs = any(isinstance(column.type, LargeBinary) for column in table.columns)
    options = {"yield_per": READ_AHEAD_BLOBS if blobs else READ_AHEAD}
    for mapping in connection.execute(select(table), execution_options=options).mappings():
        row: Row = {}
        for name, value in mapping.items():
            row[name] = fit(value)
            if row[name] != value:
                replaced.append(f"{table.name} {_key(table, mapping)}: {name}")
        yield row


def _key(table: Table, row: Mapping[Any, Any]) -> str:
    return " ".join(str(row[column.name]) for column in table.primary_key)


def _copy(rows: Iterable[Row], there: Connection, table: Table) -> Tally:
    """Insert the rows. Return the tally of what was read."""
    tally = Tally()
    for batch in _batches(rows):
        for row in batch:
            tally.add(row)
        _insert(there, table, batch)
    return tally


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(len(value) for value in row.values() if isinstance(value, str | bytes))
        if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _insert(there: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows; where the database refuses one, name it."""
    try:
        with savepoint(there):
            there.execute(insert(table), rows)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        if len(rows) == 1:
            why = f"{table.name} {_key(table, rows[0])}: the target refuses this row: {first_line(error)}"
            raise MoveRefused(why) from error
        for row in rows:
            _insert(there, table, [row])


def _compared(table: Table, ours: Tally, there: Connection, watch: Watch) -> Compared:
    theirs = Tally()
    for row in watch(_read(there, table, []), ours.rows, f"verify {table.name}"):
        theirs.add(row)
    return Compared(table.name, ours.rows, ours.digest, theirs.rows, theirs.digest)


# --- the end ----------------------------------------------------------------------------------------------


def _finish(here: Connection, there: Connection) -> None:
    """Let new ids follow the old ones, also those of rows that are gone, and let the planner know the tables."""
    for table in STORED:
        if table.autoincrement_column is not None:
            set_last_id(there, table.name, _last_id(here, table))
    if there.dialect.name == "postgresql":
        # Ours alone: all of them would wait for what others do in this database, up to a deadlock.
        there.execute(text(f"ANALYZE {', '.join(table.name for table in STORED)}"))


def _last_id(connection: Connection, table: Table) -> int:
    highest = connection.scalar(select(func.max(table.c.id))) or 0
    query = "SELECT seq FROM sqlite_sequence WHERE name = :table"
    if connection.dialect.name == "postgresql":
        sequence = connection.scalar(
            text("SELECT pg_get_serial_sequence(:table, 'id')"), {"table": table.name}
        )
        query = f"SELECT CASE WHEN is_called THEN last_value END FROM {sequence}"
    return max(highest, connection.scalar(text(query), {"table": table.name}) or 0)


def set_last_id(connection: Connection, table: str, last: int) -> None:
    if not last:
        return
    if connection.dialect.name == "postgresql":
        statement = "SELECT setval(pg_get_serial_sequence(:table, 'id'), :last)"
    else:  # a table without AUTOINCREMENT has no row here, and needs none
        statement = "UPDATE sqlite_sequence SET seq = :last WHERE name = :table"
    connection.execute(text(statement), {"table": table, "last": last})


def commit(there: Connection) -> None:
    try:
        there.commit()
    except DBAPIError as error:
        raise MoveInDoubt(first_line(error)) from error


def first_line(error: DBAPIError) -> str:
    return (str(error.orig).strip() or type(error.orig).__name__).splitlines()[0]
