"""Which errors are the store's trouble and which are the statement's fault: the code alone decides."""

import sqlite3
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError

from mailbot.errors import StoreBusy, StoreFull, StoreUnavailable
from mailbot.store.database.errors import translated
from mailbot.store.engine import open_engine
from mailbot.store.store import Store

FAULT = DBAPIError  # of the statement: raised as it is
STATES: list[tuple[str, type[Exception]]] = [
    *((state, StoreUnavailable) for state in ("08000", "08003", "08006", "08P01", "25006", "25P03", "28000")),
    *((state, StoreUnavailable) for state in ("28P01", "3D000", "42501", "53000", "53200", "53300", "53400")),
    *((state, StoreUnavailable) for state in ("55000", "55006", "57000", "57P01", "57P02", "57P03", "58000")),
    *((state, StoreUnavailable) for state in ("58030", "40002", "40003", "XX000", "XX001", "XX002")),
    *((state, StoreBusy) for state in ("40001", "40P01", "55P03", "57014")),
    ("53100", StoreFull),
    *((state, FAULT) for state in ("22001", "22021", "22P02", "22P05", "23502", "23503", "23505", "23514")),
    *((state, FAULT) for state in ("0A000", "21000", "25P02", "42601", "42703", "42804", "42P01", "54000")),
]


def of_driver(error: Exception, dbapi: Any) -> DBAPIError:
    """Wrap a driver's error as SQLAlchemy does."""
    return DBAPIError.instance("SELECT 1", (), error, dbapi.Error)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize(("state", "expected"), STATES, ids=[state for state, _ in STATES])
def test_a_sqlstate_decides_whatever_class_the_driver_gives_it(state: str, expected: type[Exception]) -> None:
    for kind in (
        psycopg.errors.lookup(state) if _known(state) else psycopg.DatabaseError,
        psycopg.InternalError,
    ):
        error = kind("text of the server")
        error.sqlstate = state
        ours = translated(of_driver(error, psycopg))
        assert type(ours) is expected if expected is not FAULT else isinstance(ours, FAULT)


def _known(state: str) -> bool:
    try:
        psycopg.errors.lookup(state)
    except KeyError:
        return False
    return True


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (psycopg.OperationalError("server closed the connection unexpectedly"), StoreUnavailable),
        (psycopg.OperationalError("the connection is lost"), StoreUnavailable),
        (psycopg.InterfaceError("the connection is closed"), StoreUnavailable),
        (psycopg.errors.ConnectionTimeout("connection timeout expired"), StoreUnavailable),
        (psycopg.DatabaseError("unexpected message from server"), StoreUnavailable),
        (psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"), FAULT),
        (psycopg.ProgrammingError("cannot adapt type 'object'"), FAULT),
    ],
    ids=str,
)
def test_without_a_sqlstate_a_broken_connection_is_trouble(
    error: Exception, expected: type[Exception]
) -> None:
    assert isinstance(translated(of_driver(error, psycopg)), expected)


CODES: list[tuple[str, type[Exception]]] = [
    *(
        (name, StoreUnavailable)
        for name in ("BUSY", "BUSY_SNAPSHOT", "LOCKED", "NOMEM", "READONLY", "INTERRUPT")
    ),
    *(
        (name, StoreUnavailable)
        for name in ("IOERR", "IOERR_FSYNC", "CORRUPT", "CANTOPEN", "PROTOCOL", "NOTADB")
    ),
    ("FULL", StoreFull),
    *((name, FAULT) for name in ("ERROR", "TOOBIG", "CONSTRAINT", "CONSTRAINT_UNIQUE", "MISMATCH", "RANGE")),
]


@pytest.mark.parametrize(("name", "expected"), CODES, ids=[name for name, _ in CODES])
def test_a_result_code_of_sqlite_decides(name: str, expected: type[Exception]) -> None:
    error = sqlite3.OperationalError("text of the library")
    error.sqlite_errorcode = getattr(sqlite3, f"SQLITE_{name}")
    assert isinstance(translated(of_driver(error, sqlite3)), expected)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_missing_table_is_the_statements_fault_on_sqlite(store: Store) -> None:
    with pytest.raises(DBAPIError, match="no such table"):
        store.read_now(lambda c: c.execute(text("SELECT 1 FROM nowhere")))


# --- on a real PostgreSQL -----------------------------------------------------------------------------------

on_postgres = pytest.mark.parametrize("store_url", ["postgres"], indirect=True)


@pytest.fixture
def one_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one thread write: of several, any may take a job, each with a connection of its own."""
    monkeypatch.setattr("mailbot.store.store.POSTGRES_WRITERS", 1)


@pytest.fixture
def counted(one_writer: None, store: Store) -> list[int]:
    """List the connections that were opened, by the server's process."""
    opened: list[int] = []
    event.listen(store.engine, "connect", lambda connection, _: opened.append(connection.info.backend_pid))
    return opened


def _raise_state(connection: Connection, items: Any) -> list[str]:
    """Raise each state that is left in the lists, then answer."""
    for item in items:
        if item:
            connection.execute(
                text(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{item.pop()}'; END $$")
            )
    return ["done"] * len(items)


@on_postgres
@pytest.mark.parametrize("state", ["40001", "40P01", "55P03", "57014"])
def test_a_transaction_that_the_server_undid_is_run_again_whole(store: Store, state: str) -> None:
    assert store.write_now(_raise_state, [state] * 3) == "done"
    with pytest.raises(StoreBusy):
        store.write_now(_raise_state, [state] * 4)


@on_postgres
@pytest.mark.parametrize("state", ["25006", "57P01"])
async def test_a_server_that_became_read_only_or_stops_is_left(
    one_writer: None, store: Store, counted: list[int], state: str
) -> None:
    await store.write(_raise_state, [])
    await store.read(lambda c: c.scalar(text("SELECT 1")))
    with pytest.raises(StoreUnavailable):
        await store.write(_raise_state, [state])
    before = set(counted)
    await store.write(_raise_state, [])
    await store.read(lambda c: c.scalar(text("SELECT 1")))
    assert len(set(counted) - before) == 2, "the pooled connection of the reader is thrown away as well"


@on_postgres
def test_a_session_that_is_read_only_is_the_stores_trouble(store: Store) -> None:
    def write(connection: Connection, items: Any) -> list[None]:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        connection.execute(text("CREATE TABLE never (x int)"))
        return [None] * len(items)

    with pytest.raises(StoreUnavailable, match="read-only"):
        store.write_now(write, None)


@on_postgres
def test_the_server_bounds_what_a_frozen_node_could_hold(store: Store) -> None:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    found = store.read_now(lambda c: [c.scalar(text(f"SHOW {name}")) for name in names])
    assert found == ["25s", "10s", "1min"]


def test_what_the_url_says_wins() -> None:
    url = "postgresql://u@/db?host=a:1&host=b:2&target_session_attrs=read-write&connect_timeout=3"
    engine = open_engine(url)
    _, parameters = engine.dialect.create_connect_args(engine.url)
    assert parameters["target_session_attrs"] == "read-write"
    assert (parameters["host"], parameters["connect_timeout"]) == ("a,b", "3")
