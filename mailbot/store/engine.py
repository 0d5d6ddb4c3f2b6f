"""Opening the database: connections with the settings that our promises need, on either engine."""

import sqlite3
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.pool import QueuePool

from mailbot.errors import StoreFull, StoreUnavailable

# How long SQLite waits for another process's write lock; the listener gives up after 60 s (promise P4).
# `?timeout=` in the URL stands above it.
BUSY = "60"


def is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def sqlite_path(url: str) -> str:
    return make_url(url).database or ""


def open_engine(url: str, *, writers: int = 1) -> Engine:
    """An engine whose transactions are write transactions from their first statement.

    PostgreSQL URLs may leave the driver out: psycopg 3 is used.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed.set(query={"timeout": BUSY, **parsed.query}), writers)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    return create_engine(
        parsed,
        pool_size=writers,
        max_overflow=4,
        pool_pre_ping=True,
        hide_parameters=True,  # customer text has no place in error messages
        connect_args={"connect_timeout": 10, "application_name": "mailbot"},
    )


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
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",  # per connection; NORMAL lost acknowledged commits at power cuts
        "foreign_keys = ON",
        "temp_store = MEMORY",
        "cache_size = -16000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    # The write lock at once: a transaction that reads first and writes later can't be made to wait.
    mode = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
    connection.exec_driver_sql(f"BEGIN {mode}")


def translated(error: DBAPIError) -> Exception:
    """Our own exception for trouble with the engine; the error itself when the statement is to blame."""
    text = str(error.orig).lower()
    if "disk is full" in text or "no space left" in text or "could not extend file" in text:
        return StoreFull(str(error.orig))
    if error.connection_invalidated or isinstance(error, OperationalError | InterfaceError):
        return StoreUnavailable(str(error.orig))
    return error
