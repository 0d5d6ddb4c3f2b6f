"""Read tables of osTicket's database, as the queries in docs/channels/import_from.md write them to a folder.

- `tickets.jsonl`: a ticket a line, with the names that its numbers stand for. Sorted by id.
- `entries.jsonl`: what was written on it. Sorted by the ticket that it is on now.
- `files.jsonl`: its files in pieces of base64. Sorted in the same way. It may be missing.

Moments are seconds since 1970, which the database itself makes of its local time.
"""

import binascii
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from mailbot.domain.model import Direction
from mailbot.operations.importing import desk_files
from mailbot.operations.importing.desk_files import Belonging, Line, Merges, Unfit, angle, plain_text
from mailbot.operations.importing.desk_people import copied, first_sender
from mailbot.operations.importing.model import (
    ImportedFile,
    ImportedMessage,
    ImportedStatus,
    ImportedTicket,
    Problems,
    ReadContext,
)

HOW = "the queries for osTicket in docs/channels/import_from.md"
_DIRECTIONS = {"M": Direction.IN, "R": Direction.OUT, "N": Direction.NOTE}
_CLOSED = frozenset({"closed", "archived"})
_DELETED = "deleted"
_PRIORITIES = {"emergency": "urgent"}


def read(path: Path, context: ReadContext) -> Iterator[ImportedTicket]:
    """Yield the tickets of an export of osTicket. Raises Unreadable where a file is missing."""
    return _Reader(path, context.problems).tickets()


class _Reader:
    """One run over a folder."""

    def __init__(self, folder: Path, problems: Problems) -> None:
        self._problems = problems
        self._tickets = desk_files.required(folder, "tickets.jsonl", HOW)
        self._merges = self._read_merges()
        self._entries = Belonging(desk_files.required(folder, "entries.jsonl", HOW), "ticket", problems)
        files = folder / "files.jsonl"
        self._files = Belonging(files, "ticket", problems) if files.is_file() else None

    def tickets(self) -> Iterator[ImportedTicket]:
        return filter(None, desk_files.read_each(self._tickets, self._problems, self._ticket))

    def _read_merges(self) -> Merges:
        merges = Merges()
        for line in desk_files.read_lines(self._tickets, Problems()):
            try:
                key = line.key("id")
                if into := line.number("merged_into"):
                    merges.add(key, into)
                merges.name(key, _number(line))
            except Unfit:
                pass  # named when the ticket itself is read
        merges.resolve(self._problems, self._tickets.name)
        return merges

    def _ticket(self, line: Line) -> ImportedTicket | None:
        key = line.key("id")
        entries = self._entries.take(key)
        files = self._read_files(self._files.take(key) if self._files else [])
        if self._merges.is_merged(key) or line.text("state") == _DELETED:
            return None
        messages = tuple(filter(None, (self._message(each, files) for each in entries)))
        status = ImportedStatus.CLOSED if line.text("state") in _CLOSED else ImportedStatus.OPEN
        priority = line.text("priority").lower()
        return ImportedTicket(
            external_id=str(key),
            numbers=(_number(line), *self._merges.numbers_of(key)),
            mailbox=line.text("mailbox").lower(),
            customer=line.text("customer").strip().lower() or first_sender(messages),
            customer_name=line.text("customer_name"),
            subject=line.text("subject"),
            opened_at=line.time("created"),
            messages=messages,
            status=status,
            closed_at=line.moment("closed") if status is ImportedStatus.CLOSED else None,
            team=line.text("team") or line.text("department"),
            agent=line.text("agent").strip().lower(),
            priority=_PRIORITIES.get(priority, priority),
            category=line.text("topic"),
            people=copied(messages, line.text("collaborators").lower().split(",")),
            place=line.place,
        )

    def _message(self, line: Line, files: dict[int, list[ImportedFile]]) -> ImportedMessage | None:
        """Return the message of an entry; None for one that can't be read, which becomes a problem."""
        try:
            key = line.key("id")
            return ImportedMessage(
                external_id=str(key),
                at=line.time("created"),
                direction=_direction(line),
                author=line.text("author").strip().lower(),
                author_name=line.text("poster"),
                subject=line.text("title"),
                text=plain_text(line.text("body"), is_html=line.text("format") == "html"),
                message_id=angle(line.text("message_id")),
                files=tuple(files.get(key, ())),
            )
        except Unfit as error:
            self._problems.add(error.place, f"the entry was passed by: {error}")
            return None

    def _read_files(self, lines: Sequence[Line]) -> dict[int, list[ImportedFile]]:
        """Join the pieces of each file. Return the files by entry."""
        found: dict[int, list[ImportedFile]] = {}
        for (entry, _), pieces in groupby(lines, lambda line: (line.text("entry"), line.text("file"))):
            first, *others = pieces
            try:
                content = b"".join(map(_piece, (first, *others)))
                file = ImportedFile(first.text("name"), first.text("type"), content)
                found.setdefault(int(entry), []).append(file)
            except (Unfit, ValueError) as error:
                self._problems.add(first.place, f"the file was passed by: {error}")
        return found


def _number(line: Line) -> str:
    return f"[#{line.text('number')}]"


def _direction(line: Line) -> Direction:
    kind = line.text("type")
    if kind not in _DIRECTIONS:
        raise Unfit(line.place, f"type must be one of {', '.join(_DIRECTIONS)}")
    return _DIRECTIONS[kind]


def _piece(line: Line) -> bytes:
    data = line.text("data")
    if line.values.get("data") is None:
        raise Unfit(line.place, "its bytes are not in the database: a plugin keeps them elsewhere")
    try:
        return binascii.a2b_base64("".join(data.split()), strict_mode=True)  # MySQL breaks it into lines
    except ValueError:
        raise Unfit(line.place, "data must be base64") from None
