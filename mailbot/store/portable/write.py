"""Make an empty store out of records: rows are checked, gathered and inserted in bulk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select
from sqlalchemy.exc import DBAPIError

from mailbot.store.database.prepared import savepoint
from mailbot.store.engine import or_skip
from mailbot.store.portable.shapes import SHAPES, Shape, tables
from mailbot.store.portable.values import BadValue, Form
from mailbot.store.service.move import first_line, set_last_id

BATCH_ROWS, BATCH_BYTES = 1000, 4 << 20


class BadRecord(ValueError):
    """A record that can't be one of ours. `line`: where it stands."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


def filled_table(connection: Connection) -> str:
    """Return the name of a table that keeps records from being restored, "" where there is none."""
    for shape in SHAPES:
        for table in () if shape.shared else tables(shape):
            if connection.execute(select(*table.primary_key).limit(1)).first() is not None:
                return table.name
    return ""


@dataclass(slots=True)
class _Gathered:
    """Rows of one table that are not inserted yet, with the lines that they come from."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    size: int = 0


class RecordWriter:
    """Inserts records of one kind after another; `finish` inserts what is left. Raises BadRecord."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._shape: Shape | None = None
        self._gathered: dict[str, _Gathered] = {}

    def add(self, shape: Shape, record: dict[str, Any], line: int) -> None:
        """Add the record of this line of the file."""
        if shape is not self._shape:
            self.finish()
            self._shape, self._gathered = shape, {table.name: _Gathered() for table in tables(shape)}
        for table, row in _rows_of(shape, record, line):
            gathered = self._gathered[table.name]
            gathered.rows.append(row)
            gathered.lines.append(line)
            gathered.size += sum(len(value) for value in row.values() if isinstance(value, str | bytes))
        if any(len(each.rows) >= BATCH_ROWS or each.size >= BATCH_BYTES for each in self._gathered.values()):
            self._insert_all()

    def finish(self) -> None:
        """Insert what was gathered, and let new ids follow those of the records."""
        if self._shape is None:
            return
        self._insert_all()
        for table in tables(self._shape):
            if table.autoincrement_column is not None:
                last = self._connection.scalar(select(func.max(table.c.id))) or 0
                set_last_id(self._connection, table.name, last)
        self._shape = None

    def _insert_all(self) -> None:
        assert self._shape
        for table in tables(self._shape):
            gathered = self._gathered[table.name]
            if gathered.rows:
                self._insert(table, gathered, shared=self._shape.shared)
                self._gathered[table.name] = _Gathered()

    def _insert(self, table: Table, gathered: _Gathered, *, shared: bool) -> None:
        stored = _FORMS[table.name].stored
        statement = or_skip(self._connection, stored) if shared else insert(stored)
        try:
            with savepoint(self._connection):
                self._connection.execute(statement, gathered.rows)
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            self._name_the_refused(statement, table, gathered, error)

    def _name_the_refused(
        self, statement: Any, table: Table, gathered: _Gathered, refusal: DBAPIError
    ) -> None:
        """Insert row by row up to the one that the database refuses, and name it."""
        for row, line in zip(gathered.rows, gathered.lines, strict=True):
            try:
                with savepoint(self._connection):
                    self._connection.execute(statement, row)
            except DBAPIError as error:
                raise BadRecord(
                    line, f"the store refuses a row of {table.name}: {first_line(error)}"
                ) from error
        raise refusal


_FORMS = {
    **{shape.table.name: Form(shape.table, shape.omit) for shape in SHAPES},
    **{part.table.name: Form(part.table) for shape in SHAPES for part in shape.parts.values()},
}


def _rows_of(shape: Shape, record: dict[str, Any], line: int) -> Iterator[tuple[Table, dict[str, Any]]]:
    """Yield the row of the record and those of its parts."""
    place = ""
    try:
        yield shape.table, _FORMS[shape.table.name].read(record)
        key = record[shape.key]
        for name, part in shape.parts.items():
            for position, each in enumerate(_listed(record.get(name), name, single=part.single)):
                place = f"{name}[{position}]: " if not part.single else f"{name}: "
                yield part.table, _FORMS[part.table.name].read({**each, part.owner: key})
            place = ""
        _refuse_unknown(shape, record)
    except BadValue as error:
        raise BadRecord(line, f"{place}{error}") from None


def _listed(value: Any, name: str, *, single: bool) -> Sequence[dict[str, Any]]:
    listed = [value] if single and value is not None else value or []
    if isinstance(listed, list) and all(isinstance(each, dict) for each in listed):
        return listed
    raise BadValue(f"{name} must be {'an object' if single else 'a list of objects'}")


def _refuse_unknown(shape: Shape, record: dict[str, Any]) -> None:
    known = {"record", *_FORMS[shape.table.name].names, *shape.parts}
    if unknown := sorted(record.keys() - known):
        raise BadValue(f"{unknown[0]} is unknown: the export may be of a later version of mailbot")
