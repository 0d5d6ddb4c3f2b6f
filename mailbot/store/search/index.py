"""Filling the index of messages: what is new by id, what changed by a queue.

Theory of operation. Mail is filed without a thought of the index. A worker reads what came in since (`pending`), makes
words of it outside any transaction, and adds them (`add`), which moves the mark up to which all is indexed in the same
transaction. The mark's row is the lease: who finds it locked, or moved meanwhile, drops its work. What deletes or
changes a message takes its words out by a trigger, see `schema.SEARCH`, and leaves its id in the queue.

PostgreSQL gives out ids before their transactions end. So a message may become visible below the mark: `late` finds
those, looking back over the newest ids now and then. SQLite has one writer, and no such message.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, func, insert, select, text, update

from mailbot.domain.search.document import LONGEST_TEXT, Document, Source, document
from mailbot.store.engine import or_skip
from mailbot.store.schema import (
    WORDS,
    attachments,
    messages,
    search_documents,
    search_queue,
    search_state,
    tickets,
)

VERSION = 2  # of the words: a change of `domain.search` that old words do not fit makes the index anew
LOOK_BACK = 20_000  # ids among which a message may still become visible
BLOCKS = (10, 12, 14, 16, 18)  # sizes of blocks of ids, as powers of two
MARK, VERSION_KEY, REMOVED = "mark", "version", "removed"


@dataclass(frozen=True, slots=True)
class Unread:
    """A message that is to be indexed."""

    id: int
    at: Any
    source: Source


@dataclass(frozen=True, slots=True)
class Indexed:
    """A message with its words."""

    unread: Unread
    words: Document


@dataclass(frozen=True, slots=True)
class Addition:
    """Messages to add. `mark`: what it must be, and what it becomes."""

    messages: Sequence[Indexed]
    before: int
    after: int


def mark(connection: Connection) -> int:
    """Return the id up to which all messages are indexed."""
    return _state(connection, MARK)


def _state(connection: Connection, key: str) -> int:
    return connection.scalar(select(search_state.c.value).where(search_state.c.key == key)) or 0


def waiting(connection: Connection) -> int:
    """Count messages that are not in the index yet, roughly where they are many."""
    newest = connection.scalar(select(func.max(messages.c.id))) or 0
    at = mark(connection)
    queued = connection.scalar(select(func.count()).select_from(search_queue)) or 0
    if newest - at > LOOK_BACK:
        return newest - at + queued
    new = select(func.count()).select_from(messages).where(messages.c.id > at)
    return (connection.scalar(new) or 0) + queued


def queued(connection: Connection) -> bool:
    """Check whether there is a message whose words changed."""
    return connection.scalar(select(search_queue.c.id).limit(1)) is not None


def is_current(connection: Connection) -> bool:
    """Check that the words in the index are those of this version."""
    found = connection.scalar(select(search_state.c.value).where(search_state.c.key == VERSION_KEY))
    return found in (None, VERSION)


def clear(connection: Connection, items: Sequence[int]) -> list[bool]:
    """Remove so many messages of another version from the index. False: another node does it."""
    return [_clear(connection, limit) for limit in items]


def _clear(connection: Connection, limit: int) -> bool:
    if not _leads(connection, None):
        return False
    ids = list(connection.scalars(select(search_documents.c.id).limit(limit)))
    connection.execute(delete(search_documents).where(search_documents.c.id.in_(ids)))
    if len(ids) < limit:
        connection.execute(update(search_state).where(search_state.c.key == MARK).values(value=0))
        connection.execute(
            update(search_state).where(search_state.c.key == VERSION_KEY).values(value=VERSION)
        )
    return True


# --- reading ----------------------------------------------------------------------------------------------


def pending(connection: Connection, after: int, limit: int) -> list[Unread]:
    """Read the next messages behind the mark, the oldest first."""
    return _read(connection, messages.c.id > after, limit)


def unread(connection: Connection, limit: int) -> list[Unread]:
    """Read the newest messages that are not in the index yet, and those that changed, the newest first."""
    changed = messages.c.id.in_(select(search_queue.c.id).order_by(search_queue.c.id.desc()).limit(limit))
    found = _read(connection, messages.c.id > mark(connection), limit, newest_first=True)
    found += _read(connection, changed, limit, newest_first=True)
    return found


def late(connection: Connection, before: int, limit: int) -> list[Unread]:
    """Read messages below the mark that became visible after it had passed them."""
    there = exists().where(search_documents.c.id == messages.c.id)
    queued = exists().where(search_queue.c.id == messages.c.id)
    below = messages.c.id.between(before - LOOK_BACK, before)
    return _read(connection, below & ~there & ~queued, limit)


_COLUMNS = (
    *(messages.c[name] for name in ("id", "ticket", "at", "author", "subject", "addresses", "inbox_id")),
    func.substr(messages.c.visible, 1, LONGEST_TEXT).label("text"),
    tickets.c.customer,
    tickets.c.subject.label("ticket_subject"),
)


def _read(
    connection: Connection, wanted: ColumnElement[bool], limit: int, *, newest_first: bool = False
) -> list[Unread]:
    joined = messages.join(tickets, tickets.c.number == messages.c.ticket)
    order = messages.c.id.desc() if newest_first else messages.c.id
    query = select(*_COLUMNS).select_from(joined).where(wanted).order_by(order).limit(limit)
    rows = connection.execute(query).all()
    files = _files(connection, [row.inbox_id for row in rows if row.inbox_id is not None])
    return [_unread(row, files) for row in rows]


def _unread(row: Any, files: dict[int, list[str]]) -> Unread:
    of_mail = tuple(files.get(row.inbox_id, ()))
    same = row.ticket_subject in row.subject
    subject = row.subject if same else f"{row.ticket_subject} | {row.subject}"
    source = Source(row.ticket, row.customer, row.author, subject, row.text, row.addresses, of_mail)
    return Unread(row.id, row.at, source)


def _files(connection: Connection, mails: Collection[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    query = select(attachments.c.inbox_id, attachments.c.name).where(attachments.c.inbox_id.in_(mails))
    for row in connection.execute(query.order_by(attachments.c.position)) if mails else ():
        found.setdefault(row.inbox_id, []).append(row.name)
    return found


def with_words(found: Iterable[Unread]) -> list[Indexed]:
    return [Indexed(each, document(each.source)) for each in found]


# --- writing ----------------------------------------------------------------------------------------------


def add(connection: Connection, items: Sequence[Addition]) -> list[bool]:
    """Add messages and move the mark. False: another node was first, and nothing was done."""
    return [_add(connection, item) for item in items]


def _add(connection: Connection, item: Addition) -> bool:
    if not _leads(connection, item.before):
        return False
    there = _unchanged(connection, item.messages)
    _insert(connection, [each for each in item.messages if each.unread.id in there])
    if item.after != item.before:
        connection.execute(update(search_state).where(search_state.c.key == MARK).values(value=item.after))
    return True


def _leads(connection: Connection, expected: int | None) -> bool:
    """Take the lease until the transaction ends. False: it is another's, or the mark has moved."""
    query = select(search_state.c.value).where(search_state.c.key == MARK)
    found = connection.scalar(query.with_for_update(skip_locked=True))
    if found is None and expected in (0, None):
        first = [{"key": MARK, "value": 0}, {"key": VERSION_KEY, "value": VERSION}]
        connection.execute(or_skip(connection, search_state, "key"), first)
        found = connection.scalar(query.with_for_update(skip_locked=True))
    return found is not None and expected in (found, None)


def _unchanged(connection: Connection, found: Sequence[Indexed]) -> set[int]:
    """Return which messages are still where they were read, and not queued to be read again."""
    ids = [each.unread.id for each in found]
    if not ids:
        return set()
    query = select(messages.c.id, messages.c.ticket).where(messages.c.id.in_(ids))
    tickets_now = {row.id: row.ticket for row in connection.execute(query)}
    elsewhere: set[int] = set()
    for table in (search_queue, search_documents):  # to be read again; read again already
        elsewhere |= set(connection.scalars(select(table.c.id).where(table.c.id.in_(ids))))
    here = {each.unread.id: each.unread.source.number for each in found}
    return {id_ for id_, number in here.items() if tickets_now.get(id_) == number and id_ not in elsewhere}


_INSERT_WORDS = text(
    f"INSERT INTO {WORDS} (rowid, title, author, people, body) VALUES (:id, :title, :author, :people, :body)"
)


def _insert(connection: Connection, found: Sequence[Indexed]) -> None:
    if not found:
        return
    rows = [
        {
            "id": each.unread.id,
            "ticket": each.unread.source.number,
            "at": each.unread.at,
            "has_files": bool(each.unread.source.files),
        }
        for each in found
    ]
    if connection.dialect.name == "sqlite":
        connection.execute(insert(search_documents), rows)
        connection.execute(_INSERT_WORDS, [_columns(each) for each in found])
        return
    vectors = [vector(each.words, each.unread.id) for each in found]
    connection.execute(
        insert(search_documents), [{**row, "words": each} for row, each in zip(rows, vectors, strict=True)]
    )


def _columns(found: Indexed) -> dict[str, Any]:
    words = found.words
    parts = {name: " ".join(getattr(words, name)) for name in ("title", "author", "people", "body")}
    return {"id": found.unread.id, **parts}


def vector(words: Document, id_: int) -> str:
    """Return the words as PostgreSQL reads a tsvector, with the blocks that the id is in."""
    places: dict[str, list[str]] = {}
    position = 1
    for weight, part in (("A", words.title), ("B", words.author), ("C", words.people), ("", words.body)):
        for word in part:
            places.setdefault(word, []).append(f"{position}{weight}")
            position += 1
        position += 1  # no phrase goes from one part to the next
    found = [f"'{word}':{','.join(each[:250])}" for word, each in places.items()]
    return " ".join([*found, *(f"'{block(size, id_ >> size)}'" for size in BLOCKS)])


def block(size: int, number: int) -> str:
    """Return the word of a block of ids. No text has such a word: it has a slash."""
    return f"{size}/{number}"


def refresh(connection: Connection, items: Sequence[int]) -> list[int]:
    """Read so many messages of the queue again. Return how many were read, -1 where another node does it."""
    return [_refresh(connection, limit) for limit in items]


def _refresh(connection: Connection, limit: int) -> int:
    if not _leads(connection, None):
        return -1
    query = select(search_queue.c.id).order_by(search_queue.c.id).limit(limit)
    ids = list(connection.scalars(query.with_for_update(skip_locked=True)))
    if ids:
        connection.execute(delete(search_documents).where(search_documents.c.id.in_(ids)))
        _insert(connection, with_words(_read(connection, messages.c.id.in_(ids), limit)))
        connection.execute(delete(search_queue).where(search_queue.c.id.in_(ids)))
    return len(ids)
