"""How the values of a row are written into JSON, and read from JSON that anybody may have changed."""

import binascii
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Boolean, Column, Integer, LargeBinary, Table

from mailbot.store.database.rows import canonical, plain
from mailbot.store.schema import EPOCH, MICROSECOND, Choice, Json, Moment

Convert = Callable[[Any], Any]
_LARGEST = (1 << 63) - 1


class BadValue(ValueError):
    """A value in an export that the column can't have. The text says what was expected."""


@dataclass(frozen=True)
class Form:
    """The columns of a table that an export has."""

    table: Table
    omit: frozenset[str] = frozenset()

    @cached_property
    def stored(self) -> Table:
        """Return the table with the database's own types."""
        return plain(self.table)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.table.columns if column.name not in self.omit)

    @cached_property
    def _writers(self) -> tuple[tuple[str, Convert], ...]:
        columns = ((name, _writer(self.table.c[name])) for name in self.names)
        return tuple((name, write) for name, write in columns if write)

    @cached_property
    def _readers(self) -> tuple[tuple[str, Convert, Column[Any]], ...]:
        return tuple((name, _reader(self.table.c[name]), self.table.c[name]) for name in self.names)

    def write(self, row: dict[str, Any]) -> dict[str, Any]:
        """Make the JSON object of a row as the database keeps it. `row` becomes that object."""
        for name, convert in self._writers:
            if row[name] is not None:
                row[name] = convert(row[name])
        return row

    def read(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return the row of a JSON object, without any key that is none of ours.

        A column that a later version added may be missing. Raises BadValue.
        """
        row = {}
        for name, convert, column in self._readers:
            value = record.get(name)
            if value is not None:
                try:
                    row[name] = convert(value)
                except BadValue as error:
                    raise BadValue(f"{name} must be {error}") from None
            elif column.nullable:
                row[name] = None
            elif name not in record and column.server_default is not None:
                row[name] = _default(column)
            else:
                raise BadValue(f"{name} is missing")
        return row


def _moment_text(value: int) -> str:
    return (EPOCH + timedelta(microseconds=value)).isoformat().replace("+00:00", "Z")


def _writer(column: Column[Any]) -> Convert | None:
    match column.type:
        case Moment():
            return _moment_text
        case Json():
            return canonical
        case LargeBinary():
            return lambda value: b64encode(value).decode()
        case Boolean():
            return bool
    return None


def _reader(column: Column[Any]) -> Convert:
    match column.type:
        case Moment():
            return _moment
        case Json():
            return lambda value: value
        case LargeBinary():
            return _bytes
        case Boolean():
            return _typed(bool, "true or false")
        case Choice():
            return _choice(frozenset(column.type.values))
        case Integer():
            return _number
    return _typed(str, "a text")


def _typed(kind: type, expected: str) -> Convert:
    def check(value: Any) -> Any:
        if type(value) is not kind:
            raise BadValue(expected)
        return value

    return check


def _choice(values: frozenset[str]) -> Convert:
    def check(value: Any) -> Any:
        if not isinstance(value, str) or value not in values:
            raise BadValue(f"one of {', '.join(sorted(values))}")
        return value

    return check


def _number(value: Any) -> int:
    if type(value) is not int or not -_LARGEST <= value <= _LARGEST:
        raise BadValue("a whole number")
    return value


def _moment(value: Any) -> int:
    try:
        return (datetime.fromisoformat(value) - EPOCH) // MICROSECOND
    except (TypeError, ValueError, OverflowError):
        raise BadValue("a moment such as 2026-11-29T03:00:00Z") from None


def _bytes(value: Any) -> bytes:
    try:
        return binascii.a2b_base64(value, strict_mode=True)
    except (TypeError, ValueError):
        raise BadValue("base64") from None


def _default(column: Column[Any]) -> Any:
    """Return the value that the database itself would give."""
    text = str(getattr(column.server_default, "arg", ""))
    match column.type:
        case Json():
            return json.loads(text)
        case Boolean():
            return text in ("true", "1")
        case Integer():
            return int(text)
    return text
