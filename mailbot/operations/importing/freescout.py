"""Read tables of FreeScout's database, as the queries in docs/channels/import_from.md write them to a folder.

- `conversations.jsonl`: a conversation a line, with the addresses that its numbers stand for. Sorted by id.
- `threads.jsonl`: what was written in it. Sorted by conversation. `attachments.jsonl`: its files, sorted alike.
- `merges.jsonl`: the lines by which FreeScout remembers merged conversations. It may be missing.
- `attachment/`: the folder `storage/app/attachment` of FreeScout.

Moments are in the time zone of FreeScout, which each conversation names.
"""

from collections.abc import Iterator
from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

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

HOW = "the queries for FreeScout in docs/channels/import_from.md"
_PUBLISHED = 2  # `state` of a conversation and of a thread
_SPAM = 4
_STATUS = {1: ImportedStatus.OPEN, 2: ImportedStatus.WAITING, 3: ImportedStatus.CLOSED}
_DIRECTIONS = {1: Direction.IN, 2: Direction.OUT, 3: Direction.NOTE, 8: Direction.IN}
_CHANGE = 4  # the type of a thread that says who changed a status or an owner
_MERGED_INTO, _MERGED_WITH = "mic", "mwc"  # keys in `meta`


def read(path: Path, context: ReadContext) -> Iterator[ImportedTicket]:
    """Yield the conversations of an export of FreeScout. Raises Unreadable where a file is missing."""
    return _Reader(path, context.problems).tickets()


class _Reader:
    """One run over a folder."""

    def __init__(self, folder: Path, problems: Problems) -> None:
        self._folder, self._problems = folder, problems
        self._conversations = desk_files.required(folder, "conversations.jsonl", HOW)
        self._merges = self._read_merges(folder / "merges.jsonl")
        self._threads = Belonging(
            desk_files.required(folder, "threads.jsonl", HOW), "conversation_id", problems
        )
        self._files = Belonging(
            desk_files.required(folder, "attachments.jsonl", HOW), "conversation_id", problems
        )

    def tickets(self) -> Iterator[ImportedTicket]:
        return filter(None, desk_files.read_each(self._conversations, self._problems, self._ticket))

    # --- merged conversations ---------------------------------------------------------------------------------

    def _read_merges(self, path: Path) -> Merges:
        merges = Merges()
        if path.is_file():
            for ticket, into in desk_files.read_each(path, self._problems, _merge):
                merges.add(ticket, into)
        for line in desk_files.read_lines(self._conversations, Problems()):
            try:
                merges.name(line.key("id"), _number(line))
            except Unfit:
                pass  # named when the conversation itself is read
        merges.resolve(self._problems, path.name)
        return merges

    # --- conversations ----------------------------------------------------------------------------------------

    def _ticket(self, line: Line) -> ImportedTicket | None:
        key = line.key("id")
        threads, files = self._threads.take(key), self._files.take(key)
        if self._is_left_out(line, key):
            return None
        status, zone = _status(line), _zone(line)
        messages = tuple(filter(None, (self._message(each, files, zone) for each in threads)))
        closed_at = line.moment("closed_at", zone)
        return ImportedTicket(
            external_id=str(key),
            numbers=(_number(line), *self._merges.numbers_of(key)),
            mailbox=line.text("mailbox").lower(),
            customer=line.text("customer").strip().lower() or first_sender(messages),
            customer_name=line.text("customer_name"),
            subject=line.text("subject"),
            opened_at=line.time("created_at", zone),
            messages=messages,
            status=status,
            closed_at=closed_at if status is ImportedStatus.CLOSED else None,
            team=line.text("mailbox_name"),
            agent=line.text("agent").strip().lower(),
            tags=tuple(filter(None, line.text("tags").split(","))),
            people=copied(messages, line.texts("cc")),
            place=line.place,
        )

    def _is_left_out(self, line: Line, key: int) -> bool:
        """Check for drafts, spam, what was deleted, and what was merged into another one."""
        is_published = line.number("state") == _PUBLISHED
        return not is_published or line.number("status") == _SPAM or self._merges.is_merged(key)

    def _message(self, line: Line, files: list[Line], zone: tzinfo) -> ImportedMessage | None:
        """Return the message of a thread; None for a change, a draft, and what can't be read."""
        try:
            kind = line.number("type")
            if kind == _CHANGE or line.number("state") != _PUBLISHED:
                return None
            if kind not in _DIRECTIONS:
                raise Unfit(line.place, f"type must be one of {', '.join(map(str, _DIRECTIONS))}")
            key = line.key("id")
            mine = [each for each in files if each.number("thread_id") == key]
            return _read_message(line, _DIRECTIONS[kind], zone, tuple(self._read_files(mine)))
        except Unfit as error:
            self._problems.add(error.place, f"the thread was passed by: {error}")
            return None

    def _read_files(self, lines: list[Line]) -> Iterator[ImportedFile]:
        for line in lines:
            try:
                name = f"{line.text('file_dir')}/{line.text('file_name')}"
                content = desk_files.read_file(self._folder / "attachment", line.place, name)
                yield ImportedFile(line.text("file_name"), line.text("mime_type"), content)
            except Unfit as error:
                self._problems.add(error.place, str(error))


def _read_message(
    line: Line, direction: Direction, zone: tzinfo, files: tuple[ImportedFile, ...]
) -> ImportedMessage:
    return ImportedMessage(
        external_id=line.text("id"),
        at=line.time("created_at", zone),
        direction=direction,
        author=line.text("author").strip().lower(),
        author_name=line.text("author_name"),
        subject="",
        text=plain_text(line.text("body"), is_html=True),
        message_id=angle(line.text("message_id")),
        to=_named(line.texts("to")),
        cc=_named(line.texts("cc")),
        files=files,
    )


def _named(addresses: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple(("", address.strip().lower()) for address in addresses)


def _number(line: Line) -> str:
    return f"[#{line.text('number')}]"


def _status(line: Line) -> ImportedStatus:
    found = _STATUS.get(line.number("status"))
    if found is None:
        raise Unfit(line.place, f"status must be one of {', '.join(map(str, (*_STATUS, _SPAM)))}")
    return found


def _zone(line: Line) -> tzinfo:
    try:
        return ZoneInfo(line.text("zone") or "UTC")
    except (OSError, ValueError):
        raise Unfit(line.place, "zone must be a time zone such as Asia/Jakarta") from None


def _merge(line: Line) -> tuple[int, int]:
    """Return (the conversation that was merged, the one that it was merged into)."""
    meta = line.values.get("meta")
    try:
        found = msgspec.json.decode(meta) if isinstance(meta, str) else meta
    except (msgspec.DecodeError, RecursionError):
        found = None
    if isinstance(found, dict):
        values, this = Line(found, line.place), line.key("conversation_id")
        if into := values.number(_MERGED_INTO):
            return this, into
        if other := values.number(_MERGED_WITH):
            return other, this
    raise Unfit(line.place, f"meta must name a conversation as {_MERGED_INTO} or {_MERGED_WITH}")
