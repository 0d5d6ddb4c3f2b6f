"""The engine's errors as ours: what is the store's trouble, and what is the statement's fault.

Theory of operation. Only the code decides: the SQLSTATE of PostgreSQL, the result code of SQLite. The drivers'
classes do not: psycopg raises InternalError for a server that became read-only, sqlite3 OperationalError for
a missing column.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import (
    SQLITE_AUTH,
    SQLITE_BUSY,
    SQLITE_CANTOPEN,
    SQLITE_CORRUPT,
    SQLITE_FULL,
    SQLITE_INTERRUPT,
    SQLITE_IOERR,
    SQLITE_LOCKED,
    SQLITE_NOLFS,
    SQLITE_NOMEM,
    SQLITE_NOTADB,
    SQLITE_PERM,
    SQLITE_PROTOCOL,
    SQLITE_READONLY,
    SQLITE_SCHEMA,
)

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from mailbot.errors import CommitUnknown, StoreBusy, StoreFull, StoreUnavailable

# SQLSTATE classes of the store's trouble: connection, login, rollback, resources, state of objects, operator, system.
TROUBLE = ("08", "28", "3D", "40", "53", "55", "57", "58", "F0", "XX")
# A server that became read-only (a fail-over), or that ended a transaction of ours because it took too long; rights.
SINGLE_TROUBLES = ("25006", "25P03", "25P04", "42501")
# The server undid the transaction, and the same one may succeed: conflict, deadlock, lock or statement timeout.
UNDONE = ("40001", "40P01", "55P03", "57014")
# This connection can't serve us any more. A new one may lead to another server.
USELESS = ("25006", "25P03", "25P04", "57P01", "57P02", "57P03", "57P05")
# What psycopg raises without a state when it can't turn a value into SQL. The rest is a connection that broke.
STATELESS_FAULTS = (DataError, IntegrityError, NotSupportedError, ProgrammingError)

SQLITE_TROUBLE = (
    SQLITE_PERM,
    SQLITE_BUSY,
    SQLITE_LOCKED,
    SQLITE_NOMEM,
    SQLITE_READONLY,
    SQLITE_INTERRUPT,
    SQLITE_IOERR,
    SQLITE_CORRUPT,
    SQLITE_CANTOPEN,
    SQLITE_PROTOCOL,
    SQLITE_SCHEMA,
    SQLITE_NOLFS,
    SQLITE_AUTH,
    SQLITE_NOTADB,
)


def sqlstate(error: BaseException | None) -> str:
    """Return the SQLSTATE of a driver's error; "" without one: the connection broke, or it is SQLite's."""
    return getattr(error, "sqlstate", None) or ""


def translated(error: DBAPIError) -> Exception:
    """Return our own exception for the store's trouble, or the error itself where the statement is at fault."""
    text, state = str(error.orig), sqlstate(error.orig)
    code = getattr(error.orig, "sqlite_errorcode", None)
    if state == "53100" or (code is not None and code & 0xFF == SQLITE_FULL):
        return StoreFull(text)
    if state in UNDONE:
        return StoreBusy(text)
    if state:
        trouble = state[:2] in TROUBLE or state in SINGLE_TROUBLES
    elif code is not None:
        trouble = code & 0xFF in SQLITE_TROUBLE
    else:
        trouble = error.connection_invalidated or not isinstance(error, STATELESS_FAULTS)
    return StoreUnavailable(text) if trouble else error


@contextmanager
def translating() -> Iterator[None]:
    """Raise our own exceptions for the store's trouble inside."""
    try:
        yield
    except DBAPIError as error:
        raise translated(error) from error
    except PoolTimeout as error:
        raise StoreUnavailable("all connections to the database are in use") from error


@contextmanager
def transaction(connection: Connection) -> Iterator[Connection]:
    """Begin and commit. Raises StoreUnavailable or one of its kinds for the store's trouble."""
    decided = False
    with translating():
        try:
            with connection.begin():
                yield connection
                decided = True
        except DBAPIError as error:
            if decided and error.connection_invalidated:
                raise CommitUnknown(str(error.orig)) from error
            raise
