"""INSERT where the row may be there already: both engines spell it alike, SQLAlchemy has one for each.

Built once for each table: to build such a statement costs as much as to run it.
"""

from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert


def or_skip(connection: Connection, table: Table, *key: str) -> Any:
    """Leaves a row alone that has the same `key` (without one: any unique key)."""
    return _or_skip(connection.dialect.name, table, key)


def or_replace(connection: Connection, table: Table, *key: str) -> Any:
    """Puts the new values in place of those of the row with the same `key`."""
    return _or_replace(connection.dialect.name, table, key)


def _insert(dialect: str, table: Table) -> Any:
    return sqlite_insert(table) if dialect == "sqlite" else postgres_insert(table)


@cache
def _or_skip(dialect: str, table: Table, key: tuple[str, ...]) -> Any:
    return _insert(dialect, table).on_conflict_do_nothing(index_elements=key or None)


@cache
def _or_replace(dialect: str, table: Table, key: tuple[str, ...]) -> Any:
    statement = _insert(dialect, table)
    values = {column.name: statement.excluded[column.name] for column in table.c if column.name not in key}
    return statement.on_conflict_do_update(index_elements=key, set_=values)
