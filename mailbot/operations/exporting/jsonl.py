"""Write a store as JSON Lines: one line a record, the first and the last say what the file is.

Theory of operation. One read transaction holds one state of the store while mail goes on coming in. The last line has
the number of lines and the SHA-256 of all before it, so a file that was cut off or changed is never taken for whole.
Nothing in the file depends on the engine or on the time of the export: what is equal in the store is equal in bytes.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO

import msgspec
from sqlalchemy import Connection, func, or_, select

from mailbot.store.database.rows import fit
from mailbot.store.portable import read
from mailbot.store.portable.shapes import SHAPES
from mailbot.store.schema import UNDER_WAY, WAITING, outbox

FORMAT, VERSION = "mailbot", 1
HEADER, END = "header", "end"

Record = dict[str, Any]
# (records, how many there are, what is done) -> the same records: for a progress bar.
Watch = Callable[[Iterable[Record], int, str], Iterable[Record]]

_ENCODER = msgspec.json.Encoder()


@dataclass(slots=True)
class Exported:
    """What was written: records by kind, and `size` in bytes. `waiting`: mails to send that stay behind."""

    records: Counter[str] = field(default_factory=Counter)
    size: int = 0
    waiting: int = 0


def export(connection: Connection, out: BinaryIO, since: datetime | None, watch: Watch) -> Exported:
    """Write all records, or those that changed since a moment, from the state that `connection` reads."""
    read.allow_pauses(connection)
    lines, exported = _Lines(out), Exported()
    lines.put(HEADER, {"format": FORMAT, "version": VERSION, "since": _text(since)})
    for shape in SHAPES:
        total = read.count(connection, shape, since)
        for record in watch(read.records(connection, shape, since), total, f"export {shape.kind}"):
            lines.put(shape.kind, record)
            exported.records[shape.kind] += 1
    lines.end()
    waiting = select(func.count()).select_from(outbox).where(or_(WAITING, UNDER_WAY))
    exported.size, exported.waiting = lines.size, connection.scalar(waiting) or 0
    return exported


def _text(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


class _Lines:
    """Writes lines, and knows how many there were and their digest."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._digest = out, hashlib.sha256()
        self.count, self.size = 0, 0

    def put(self, kind: str, record: Record) -> None:
        line = _encode({"record": kind, **record})
        self._out.write(line)
        self._digest.update(line)
        self.count += 1
        self.size += len(line)

    def end(self) -> None:
        """Write the last line, which judges the others."""
        self.put(END, {"lines": self.count, "sha256": self._digest.hexdigest()})


def _encode(record: Record) -> bytes:
    """Return the line. A character that not every engine can keep is replaced."""
    try:
        line = _ENCODER.encode(record)
    except UnicodeEncodeError:  # half a surrogate pair
        line = b"\\u0000"
    if b"\\u0000" in line:
        line = _ENCODER.encode(fit(record))
    return line + b"\n"
