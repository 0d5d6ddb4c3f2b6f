"""Read a store as records, one after another, in an order that does not depend on the engine.

Theory of operation. The rows of a record's table and those of its parts are read by one statement each, all sorted by
the record's key, and merged. So memory holds one record, however large the store is.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    String,
    Table,
    func,
    select,
    text,
    type_coerce,
)

from mailbot.store.portable.shapes import Part, Shape, changed_since
from mailbot.store.portable.values import Form

READ_AHEAD, READ_AHEAD_BLOBS = 500, 4  # rows; one with a mail may have 64 MB

Record = dict[str, Any]


def allow_pauses(connection: Connection) -> None:
    """Let whoever takes the records pause: PostgreSQL would end our transaction after a minute."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


def count(connection: Connection, shape: Shape, since: datetime | None = None) -> int:
    """Count the records of a kind."""
    query = select(func.count()).select_from(shape.table)
    return connection.scalar(query.where(*_wanted(shape, since))) or 0


def records(connection: Connection, shape: Shape, since: datetime | None = None) -> Iterator[Record]:
    """Yield the records of a kind, sorted by key; with `since` those that changed since then."""
    wanted = _wanted(shape, since)
    keys = select(shape.table.c[shape.key]).where(*wanted) if wanted else None
    parts = {name: _Belonging(_part_rows(connection, part, keys), part) for name, part in shape.parts.items()}
    form = Form(shape.table, shape.omit)
    query = _query(connection, form, shape.table.c[shape.key]).where(*wanted)
    for row in _rows(connection, shape.table, query):
        record = form.write(row)
        for name, belonging in parts.items():
            if found := belonging.take(record[shape.key]):
                record[name] = found[0] if shape.parts[name].single else found
        yield record


def _wanted(shape: Shape, since: datetime | None) -> list[ColumnElement[bool]]:
    changed = changed_since(shape, since) if since else None
    return [each for each in (shape.where, changed) if each is not None]


def _part_rows(connection: Connection, part: Part, keys: Select[Any] | None) -> Iterator[Record]:
    owner = part.table.c[part.owner]
    others = [column for column in part.table.primary_key if column is not owner]
    query = _query(connection, Form(part.table), owner, *others)
    if keys is not None:
        query = query.where(owner.in_(keys))
    form = Form(part.table)
    return (form.write(row) for row in _rows(connection, part.table, query))


def _query(connection: Connection, form: Form, *order: Column[Any]) -> Select[Any]:
    """Select the columns as the database keeps them, sorted by bytes as Python sorts texts by letters."""
    columns = [type_coerce(form.table.c[name], form.stored.c[name].type).label(name) for name in form.names]
    return select(*columns).order_by(*(_in_bytes(connection, column) for column in order))


def _in_bytes(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[Any]:
    is_text = isinstance(column.type, String) and connection.dialect.name == "postgresql"
    return column.collate("C") if is_text else column


def _rows(connection: Connection, table: Table, query: Select[Any]) -> Iterator[Record]:
    blobs = any(isinstance(column.type, LargeBinary) for column in table.columns)
    options = {"yield_per": READ_AHEAD_BLOBS if blobs else READ_AHEAD}
    for row in connection.execute(query, execution_options=options):
        yield dict(row._mapping)


class _Belonging:
    """Rows of a part, sorted by the key of their record, handed out record by record."""

    def __init__(self, rows: Iterator[Record], part: Part) -> None:
        self._rows, self._owner = rows, part.owner
        self._next = next(rows, None)

    def take(self, key: Any) -> list[Record]:
        """Return the rows of this record, without their key. Those of records that are gone are passed by."""
        found: list[Record] = []
        while self._next is not None and self._next[self._owner] <= key:
            row, self._next = self._next, next(self._rows, None)
            if row.pop(self._owner) == key:
                found.append(row)
        return found
