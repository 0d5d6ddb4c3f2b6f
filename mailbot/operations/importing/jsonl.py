"""Make an empty store out of an export of mailbot's own: the same tickets, with the same numbers.

Theory of operation. One transaction keeps all or nothing: whatever is killed meanwhile leaves the store empty. Each
line is checked before its rows are inserted, and the last one proves that the file is whole.
"""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import msgspec
from sqlalchemy import Connection

from mailbot.operations.exporting.jsonl import END, FORMAT, HEADER, VERSION, Record, Watch
from mailbot.operations.importing.model import Unreadable
from mailbot.store import compensations, migrate
from mailbot.store.portable.shapes import SHAPES
from mailbot.store.portable.write import BadRecord, RecordWriter, filled_table
from mailbot.store.service import installation, move

LONGEST_LINE = 256 << 20  # bytes: the base64 of the largest mail, and far more
LAST_LINE = 1024  # bytes: the last line is far shorter
_PLACES = {shape.kind: place for place, shape in enumerate(SHAPES)}
_KIND = re.compile(r"[a-z_]{1,32}", re.ASCII)


@dataclass(slots=True)
class Restored:
    """Records that were read, by kind. `since`: the moment from which the export has changes, None for all."""

    records: Counter[str] = field(default_factory=Counter)
    since: str | None = None


def restore(url: str, path: Path, watch: Watch, *, dry_run: bool = False) -> Restored:
    """Fill the empty store at `url` with the records of the file, and commit unless it is a `dry_run`.

    No daemon may use the store. Raises Unreadable with the line, move.MoveRefused for a store that can't be filled,
    move.MoveInDoubt when the connection broke at the commit, StoreUnavailable.
    """
    migrate.upgrade(url)
    with path.open("rb") as file, move.opened(url, "the store") as connection:
        _require_empty(connection)
        restored = _Restoration(connection, file, path, watch).run()
        if not dry_run:
            move.commit(connection)
    return restored


def _require_empty(connection: Connection) -> None:
    if reason := installation.moved_reason(connection):
        raise move.MoveRefused(reason)
    if name := filled_table(connection):
        raise move.MoveRefused(
            f"the store is not empty: it has rows in {name}. An export is restored whole, into an empty store: name a "
            "new one as MAILBOT_STORE or `store`"
        )


class _Restoration:
    """One run over the lines of a file."""

    def __init__(self, connection: Connection, file: BinaryIO, path: Path, watch: Watch) -> None:
        self._connection, self._file, self._name, self._watch = connection, file, path.name, watch
        self._digest = hashlib.sha256()
        self._line = 0
        self._place = 0  # of the newest kind among all kinds
        self._restored = Restored()

    def run(self) -> Restored:
        total = self._read_last_line()
        self._read_header()
        writer = RecordWriter(self._connection)
        try:
            for record in self._watch(self._records(), total, f"import {self._name}"):
                writer.add(SHAPES[self._place], record, self._line)
            writer.finish()
        except BadRecord as error:
            self._fail(str(error), error.line)
        if fault := compensations.first_fault(self._connection):
            self._fail(f"the ledger of compensations is not as it was written, from line {fault} of it on")
        return self._restored

    def _read_last_line(self) -> int:
        """Return how many records there are, before anything is done with a file that was cut off."""
        self._file.seek(max(0, os.fstat(self._file.fileno()).st_size - LAST_LINE))
        last = self._file.read().rstrip(b"\n").rpartition(b"\n")[2]
        self._file.seek(0)
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            match msgspec.json.decode(last):
                case {"record": "end", "lines": int(lines)}:
                    return lines - 1
        raise Unreadable(
            f"{self._name}: the last line is not that of an export of mailbot, or the file was cut off: export again"
        )

    def _read_header(self) -> None:
        line, header = self._next()
        if header is None or header.get("record") != HEADER or header.get("format") != FORMAT:
            self._fail("this is no export of mailbot: its first line must be the header of `mailbot export`")
        if header.get("version") != VERSION:
            self._fail(f"the export has version {header.get('version')!r}, this mailbot reads {VERSION}")
        self._digest.update(line)
        self._restored.since = header.get("since")

    def _records(self) -> Iterator[Record]:
        """Yield the records, up to the line that proves that they are whole."""
        while True:
            line, record = self._next()
            if record is None:
                self._fail("the file ends without its last line: it was cut off")
            if record.get("record") == END:
                return self._check_end(record)
            kind = self._enter(record.get("record"))
            self._digest.update(line)
            self._restored.records[kind] += 1
            yield record

    def _enter(self, kind: Any) -> str:
        """Return the kind of the next record. Kinds come in the order in which they can be inserted."""
        place = _PLACES.get(kind) if isinstance(kind, str) else None
        if place is None:
            shown = kind if isinstance(kind, str) and _KIND.fullmatch(kind) else "this"
            self._fail(f"{shown} is no kind of record that this version of mailbot knows")
        if place < self._place:
            self._fail(
                f"a {kind} stands behind a {SHAPES[self._place].kind}: the lines are not in their order"
            )
        self._place = place
        return SHAPES[place].kind

    def _check_end(self, record: Record) -> None:
        found = {"record": END, "lines": self._line - 1, "sha256": self._digest.hexdigest()}
        if record != found:
            self._fail("the lines are not those that were exported: their number or their digest is another")
        if self._file.read(1):
            self._fail("there is more behind the last line of the export")

    def _next(self) -> tuple[bytes, Record | None]:
        """Return the next line and its object; None at the end of the file."""
        line = self._file.readline(LONGEST_LINE)
        self._line += 1
        if not line:
            return line, None
        if not line.endswith(b"\n"):
            self._fail("the line has no end: the file was cut off")
        try:
            record = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._fail(f"the line is no JSON: {error}")
        if not isinstance(record, dict):
            self._fail("the line is no JSON object")
        return line, record

    def _fail(self, text: str, line: int | None = None) -> NoReturn:
        raise Unreadable(f"{self._name}:{line or self._line}: {text}")
