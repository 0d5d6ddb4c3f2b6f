"""Connections to PostgreSQL that never wait for ever, and leave a server that can't serve us any more.

Theory of operation. A host that is gone is noticed by TCP (`tcp_user_timeout`, keepalives). A server that
stands still is not: its kernel goes on answering. So each wait for it is bounded here. The other way round, the
server ends the transactions of a node that stands still (`idle_in_transaction_session_timeout`), so that its
locks hold up no other node.
"""

import math
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event

from mailbot.store.database import json_text
from mailbot.store.database.errors import USELESS, sqlstate

T = TypeVar("T")

# Parameters of libpq. Those in the URL win.
DEFAULTS: Mapping[str, object] = {
    "connect_timeout": 5,  # seconds, for each host of the URL
    "application_name": "mailbot",
    "client_encoding": "utf8",  # else that of the database: a wrong one could not even be named
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # milliseconds
}
SERVERS_SHARE = 5 / 6  # of our patience: the server gives up a statement before we give up the server
LOCK_TIMEOUT = timedelta(seconds=10)
IDLE_TIMEOUT = timedelta(seconds=60)  # between two statements of a transaction: for what we compute there


def open_postgresql(url: URL, connections: int, patience: timedelta | None) -> Engine:
    """Open an engine. `patience`: how long the server may be silent before its connection is given up.

    Without one it may take as long as it likes.
    """
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=4,
        pool_timeout=10,
        pool_pre_ping=True,
        json_serializer=json_text.dump,
        json_deserializer=json_text.load,
        hide_parameters=True,  # customer text has no place in error messages
        connect_args={name: value for name, value in DEFAULTS.items() if name not in url.query},
    )
    event.listen(engine, "handle_error", _leave_server)
    event.listen(engine, "handle_error", _hide_rows)
    if patience:
        _bound(engine, patience, str(url.query.get("options", "")))
    return engine


def _leave_server(context: ExceptionContext) -> None:
    """Throw away all pooled connections to a server that became read-only or shuts down."""
    if sqlstate(context.original_exception) in USELESS:
        context.is_disconnect = True


def _hide_rows(context: ExceptionContext) -> None:
    """Cut the server's detail, which quotes the whole row: customer text has no place in error messages."""
    error, shown = context.original_exception, context.sqlalchemy_exception
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    if primary and shown:
        shown.args = (str(shown.args[0]).replace(str(error), primary),)
        error.args = (primary,)


def _bound(engine: Engine, patience: timedelta, options: str) -> None:
    """Bound all waits. What the URL's `options` set themselves is left to them."""
    limits = {
        "statement_timeout": SERVERS_SHARE * patience,
        "lock_timeout": LOCK_TIMEOUT,
        "idle_in_transaction_session_timeout": IDLE_TIMEOUT,
    }
    chosen = [f"SET {name} = {milliseconds(span)}" for name, span in limits.items() if name not in options]

    def connect(_dialect: Any, _record: Any, args: Any, parameters: Any) -> Any:
        connection = _bounded().connect(*args, **parameters)
        connection.patience = patience.total_seconds()
        return connection

    def prepare(connection: Any, _record: Any) -> None:
        if chosen:  # not as parameters of the connection: poolers like PgBouncer refuse those
            connection.autocommit = True
            connection.execute("; ".join(chosen))
            connection.autocommit = False

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "connect", prepare)


@contextmanager
def allowing(connection: Connection, patience: timedelta | None) -> Iterator[None]:
    """Give the statements of this transaction more time than the connection's own."""
    if patience is None or connection.dialect.name != "postgresql":
        yield
        return
    bounded: Any = connection.connection.driver_connection
    usual, bounded.patience = bounded.patience, patience.total_seconds()
    try:
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds(SERVERS_SHARE * patience)}")
        yield
    finally:
        bounded.patience = usual


def milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


@cache
def _bounded() -> Any:
    """Return psycopg's connection with bounded waits. Imported here: SQLite needs no psycopg."""
    import psycopg

    class BoundedConnection(psycopg.Connection[Any]):
        """A connection that is closed when the server is silent for `patience` seconds."""

        patience = math.inf

        def wait(self, gen: Generator[Any, Any, T], *args: Any, **options: Any) -> T:
            try:
                return super().wait(_listening(gen, self.patience), *args, **options)
            except TimeoutError as error:
                self.pgconn.finish()
                raise psycopg.OperationalError(str(error)) from error

    return BoundedConnection


def _listening(gen: Generator[Any, Any, T], patience: float) -> Generator[Any, Any, T]:
    """Run a generator of psycopg. Raises TimeoutError when its socket was not ready for so many seconds.

    psycopg sends it what the socket is ready for, or something false ten times a second while it is not.
    """
    heard_at = time.monotonic()
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if ready:
                heard_at = time.monotonic()
            elif time.monotonic() - heard_at > patience:
                raise TimeoutError(f"the database has been silent for {patience:.0f} s")
            wanted = gen.send(ready)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
