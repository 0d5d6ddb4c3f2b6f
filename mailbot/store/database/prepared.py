"""Statements of the hot path: compiled once for each engine, then run on the driver's own cursor.

Theory of operation. SQLAlchemy's `execute` costs more than SQLite's work on a row. A `Prepared` keeps the SQL text of
a Core statement, with what turns each value into the driver's (moments, JSON, enums). The schema and both
dialects stay SQLAlchemy's, and so do errors: they are wrapped, and connections invalidated, as `execute` does it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, repeat
from operator import attrgetter, itemgetter, methodcaller
from typing import Any

from sqlalchemy import BindParameter, Connection, Dialect, Table, bindparam, insert
from sqlalchemy.exc import DBAPIError

from mailbot.errors import StoreUnavailable
from mailbot.store.engine import insert_or_replace, insert_or_skip

Row = Mapping[str, Any]
Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement in one dialect. `adapt` turns a row into the driver's parameters, `read` a row of the result."""

    sql: str
    adapt: Callable[[Row], Any]
    read: Callable[[Sequence[Any]], tuple[Any, ...]]


class Prepared:
    """A statement, as `build` makes it for a dialect's name. `columns`: what an INSERT sets.

    Each row is a mapping with a value for every column, or every `bindparam` without one. For a list (`in_`) see
    `PreparedList`.
    """

    def __init__(self, build: Callable[[str], Any], columns: Sequence[str] | None = None) -> None:
        self._build, self._columns = build, columns
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Run the statement for each row, at least one. Returns how many rows of the table it changed.

        Raises what `Connection.execute` raises.
        """
        compiled = self._for(connection)
        parameters = [compiled.adapt(row) for row in rows]
        return int(_execute(connection, compiled.sql, parameters, attrgetter("rowcount")))

    def fetch(self, connection: Connection, row: Row) -> list[tuple[Any, ...]]:
        """Run the statement once and return its result, converted. Raises what `Connection.execute` raises."""
        compiled = self._for(connection)
        found = _execute(connection, compiled.sql, [compiled.adapt(row)], methodcaller("fetchall"))
        return [compiled.read(each) for each in found]

    def _for(self, connection: Connection) -> _Compiled:
        name = connection.dialect.name
        if name not in self._compiled:
            self._compiled[name] = _compile(self._build(name), connection.dialect, self._columns)
        return self._compiled[name]


class PreparedList:
    """A query by a list of values: `build` gets their parameters, for `in_`, and may name more with `bindparam`.

    A statement is kept for each power of two; the last value fills up the list.
    """

    def __init__(self, build: Callable[[Sequence[BindParameter[Any]]], Any]) -> None:
        self._build = build
        self._sized: dict[int, Prepared] = {}

    def fetch(
        self, connection: Connection, values: Collection[Any], row: Row | None = None
    ) -> list[tuple[Any, ...]]:
        """Run the query, for many values in parts of their order, and return the results, converted.

        `row`: the other parameters. Raises what `Connection.execute` raises.
        """
        listed, found = list(values), []
        for start in range(0, len(listed), _TOGETHER):
            part = listed[start : start + _TOGETHER]
            size = 1 << (len(part) - 1).bit_length()
            filled = zip(_NAMES, chain(part, repeat(part[-1], size - len(part))), strict=False)
            found += self._of(size).fetch(connection, {**(row or {}), **dict(filled)})
        return found

    def _of(self, size: int) -> Prepared:
        if size not in self._sized:
            self._sized[size] = Prepared(
                lambda dialect: self._build([bindparam(_NAMES[n]) for n in range(size)])
            )
        return self._sized[size]


_TOGETHER = 256  # values of a list in one statement
_NAMES = tuple(f"value_{place}" for place in range(_TOGETHER))


def adding(table: Table, columns: Sequence[str]) -> Prepared:
    """Prepare an INSERT of these columns."""
    return Prepared(lambda dialect: insert(table), columns)


def adding_new(table: Table, columns: Sequence[str], *key: str) -> Prepared:
    """Prepare an INSERT that skips a row whose `key` is there already."""
    return Prepared(lambda dialect: insert_or_skip(dialect, table, key), columns)


def replacing(table: Table, columns: Sequence[str], *key: str) -> Prepared:
    """Prepare an INSERT that updates the row with the same `key` instead."""
    return Prepared(lambda dialect: insert_or_replace(dialect, table, key), columns)


@contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """Undo what was done inside when it fails, and leave the transaction as it was before.

    `Connection.begin_nested` compiles its statements each time. Raises what `Connection.execute` raises, and
    StoreUnavailable where the database has undone the whole transaction: a commit would then keep nothing.
    """
    _execute(connection, "SAVEPOINT inner_work", [()], _nothing)
    try:
        yield
    except BaseException as error:
        if connection.invalidated:
            raise
        try:
            _execute(connection, "ROLLBACK TO SAVEPOINT inner_work", [()], _nothing)
        except DBAPIError:  # SQLite does that on a full disk
            raise StoreUnavailable("the database has undone the whole transaction") from error
        raise
    _execute(connection, "RELEASE SAVEPOINT inner_work", [()], _nothing)


def _nothing(_cursor: Any) -> None: ...


def _execute(
    connection: Connection, sql: str, parameters: Sequence[Any], finish: Callable[[Any], Any]
) -> Any:
    """Run the statement in the connection's transaction, which begins here if there is none."""
    if not connection.in_transaction():
        connection.begin()  # else SQLite commits each statement at once
    driver, cursor = connection.connection, None
    try:
        cursor = driver.cursor()  # fails where the connection was closed on our side
        _inform_listeners(connection, cursor, sql, parameters)
        if len(parameters) > 1:
            cursor.executemany(sql, parameters)
        else:
            cursor.execute(sql, parameters[0])
        return finish(cursor)
    except BaseException as error:
        # The one way to the engine's `handle_error` listeners, to `is_disconnect` and to SQLAlchemy's errors.
        known = isinstance(error, connection.dialect.loaded_dbapi.Error)
        connection._handle_dbapi_exception(error, sql if known else None, None, cursor, None)
    finally:
        if cursor is not None:
            cursor.close()


def _inform_listeners(connection: Connection, cursor: Any, sql: str, parameters: Sequence[Any]) -> None:
    """Call those who listen to the statements of a connection, as `execute` does."""
    many = len(parameters) > 1
    if connection._has_events or connection.engine._has_events:
        for listener in connection.dispatch.before_cursor_execute:
            listener(connection, cursor, sql, parameters if many else parameters[0], None, many)


def _compile(statement: Any, dialect: Dialect, columns: Sequence[str] | None) -> _Compiled:
    # Not for one row: PostgreSQL's dialect would ask for the new row's id.
    compiled = statement.compile(dialect=dialect, column_keys=columns, for_executemany=True)
    converters, fixed = {}, {}
    for bound, name in compiled.bind_names.items():
        convert = bound.type.dialect_impl(dialect).bind_processor(dialect)
        if not bound.required:
            fixed[name] = convert(bound.effective_value) if convert else bound.effective_value
        elif convert:
            converters[name] = convert
    names = compiled.positiontup
    adapt = _by_name(fixed, converters) if names is None else _by_place(names, fixed, converters)
    return _Compiled(str(compiled), adapt, _reader(statement, dialect))


def _by_name(fixed: Row, converters: Mapping[str, Convert]) -> Callable[[Row], Any]:
    def adapt(row: Row) -> dict[str, Any]:
        values = {**fixed, **row}
        for name, convert in converters.items():
            values[name] = convert(values[name])
        return values

    return adapt


def _by_place(names: Sequence[str], fixed: Row, converters: Mapping[str, Convert]) -> Callable[[Row], Any]:
    free = [name for name in names if name not in fixed]
    pick = itemgetter(*free) if len(free) > 1 else lambda row: tuple(row[name] for name in free)
    converted = [(place, converters[name]) for place, name in enumerate(free) if name in converters]
    constants = [(place, fixed[name]) for place, name in enumerate(names) if name in fixed]

    def adapt(row: Row) -> list[Any]:
        values = list(pick(row))
        for place, convert in converted:
            values[place] = convert(values[place])
        for place, value in constants:
            values.insert(place, value)
        return values

    return adapt


def _reader(statement: Any, dialect: Dialect) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    columns = getattr(statement, "exported_columns", ())
    converters = [each.type.dialect_impl(dialect).result_processor(dialect, None) for each in columns]
    converted = [(place, convert) for place, convert in enumerate(converters) if convert]

    def read(row: Sequence[Any]) -> tuple[Any, ...]:
        values = list(row)
        for place, convert in converted:
            values[place] = convert(values[place])
        return tuple(values)

    return read
