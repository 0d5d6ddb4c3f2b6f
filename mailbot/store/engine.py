"""Opening the database: connections with the settings that our promises need, on either engine."""

import os
import sqlite3
from datetime import timedelta
from functools import cache
from importlib.util import find_spec
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.pool import QueuePool

from mailbot.errors import StoreUnavailable, install_hint
from mailbot.store.database import json_text
from mailbot.store.database.postgresql import open_postgresql

# How long SQLite waits for another process's write lock; the listener gives up after 60 s (promise P4).
# `?timeout=` in the URL overrides it.
BUSY = "60"
INCREMENTAL = 2  # of `PRAGMA auto_vacuum`


def is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def sqlite_path(url: str) -> str:
    return make_url(url).database or ""


def display_url(url: str) -> str:
    """Return where the store is, without its password."""
    if is_sqlite(url):
        return sqlite_path(url)
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=True)


def open_engine(url: str, *, writers: int = 1, patience: timedelta | None = None) -> Engine:
    """Open an engine whose transactions are write transactions from their first statement.

    PostgreSQL URLs may omit the driver: psycopg 3 is used. `patience` bounds each wait for its server.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed.set(query={"timeout": BUSY, **parsed.query}), writers)
    _require_driver()
    return open_postgresql(parsed, writers, patience)


def _require_driver() -> None:
    if find_spec("psycopg") is None:
        raise StoreUnavailable(f"PostgreSQL needs the package psycopg: {install_hint('postgres')}")


def _sqlite(url: URL, writers: int) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=writers,
        max_overflow=4,
        hide_parameters=True,
        # None: SQLAlchemy's `begin` event below opens transactions, not the driver, whose default
        # mode handed out the same number twice without an error (promises.md).
        connect_args={"isolation_level": None, "check_same_thread": False},
        json_serializer=json_text.dump,
        json_deserializer=json_text.load,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _SameFile(url.database))
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    # Of a new file, before anything is written: free pages can be cut off its end (`retention.space`). Set again,
    # it would be a write, and each new connection would wait for whoever holds the lock.
    if connection.execute("PRAGMA auto_vacuum").fetchone() != (INCREMENTAL,):
        connection.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")
    for pragma in (
        "journal_mode = WAL",
        "journal_size_limit = 67108864",  # bytes that the log keeps once its content is in the file
        "synchronous = FULL",  # per connection; NORMAL lost acknowledged commits at power cuts
        "foreign_keys = ON",
        "temp_store = MEMORY",
        "cache_size = -16000",
    ):
        connection.execute(f"PRAGMA {pragma}")


class _SameFile:
    """Refuses work on a file that was removed or replaced: what is committed to it would be gone at the next start."""

    def __init__(self, path: str | None) -> None:
        self._path, self._first = path, None if path is None else _identity(path)

    def __call__(self, _connection: Connection) -> None:
        if self._path is None:
            return
        found = _identity(self._path)
        self._first = self._first or found  # the first connection creates it
        if found != self._first:
            raise StoreUnavailable(
                f"{self._path} was removed or replaced while it was in use: put it back, or stop all of mailbot, "
                "then restore a backup"
            )


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _begin_immediate(connection: Connection) -> None:
    # The write lock at once: a transaction that reads first and writes later can't be made to wait.
    mode = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
    connection.exec_driver_sql(f"BEGIN {mode}")


# --- INSERT where the row may be there already. Built once for each table: building costs as much as running.


def or_skip(connection: Connection, table: Table, *key: str) -> Any:
    """Insert unless a row has the same `key` (without one: any unique key)."""
    return insert_or_skip(connection.dialect.name, table, key)


def or_replace(connection: Connection, table: Table, *key: str) -> Any:
    """Insert, or update the row with the same `key`."""
    return insert_or_replace(connection.dialect.name, table, key)


def insert_of(dialect: str, table: Table) -> Any:
    """Return the INSERT of this engine, which knows ON CONFLICT."""
    # Either dialect takes 20 ms to import, and a process needs one.
    if dialect == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


@cache
def insert_or_skip(dialect: str, table: Table, key: tuple[str, ...]) -> Any:
    return insert_of(dialect, table).on_conflict_do_nothing(index_elements=key or None)


@cache
def insert_or_replace(dialect: str, table: Table, key: tuple[str, ...]) -> Any:
    statement = insert_of(dialect, table)
    values = {column.name: statement.excluded[column.name] for column in table.c if column.name not in key}
    return statement.on_conflict_do_update(index_elements=key, set_=values)
