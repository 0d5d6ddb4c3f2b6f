"""The dialogue of one ticket as its page shows it: the newest messages, and events of some kinds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, LargeBinary, Row, func, select

from mailbot.domain.events import Event
from mailbot.domain.model import Authentication, Author, Direction
from mailbot.domain.reasons import Reason
from mailbot.domain.replies.folded_lines import folded_lines
from mailbot.store.codec import event_of, reason_of
from mailbot.store.schema import events, messages, raw_mails

E = TypeVar("E", bound=Event)

LONGEST = 6_000  # characters of a message on the ticket's page
WHOLE = 600_000  # and on a page of its own: more than is read of a mail
_OF_TEXT = 4  # so many times as much of the mail is read to find what is folded
FOLDED = 20_000  # characters of folded lines


@dataclass(frozen=True, slots=True)
class PageMessage:
    """A message on a ticket's page.

    - `text`: what its author wrote this time; `cut`: characters left out at its end.
    - `folded`: the lines of the mail beside it: quotes, signatures.
    - `home`: the ticket it was first filed on. `act`: the agent's act that it is part of.
    - `evidence`, `addresses`: see the table.
    """

    id: int
    at: datetime
    direction: Direction
    author: str
    subject: str
    text: str
    cut: int
    folded: Sequence[str]
    inbox_id: int | None
    home: str
    flags: Sequence[str]
    author_kind: Author
    author_reason: Reason
    authentication: Authentication
    addresses: Mapping[str, Any]
    evidence: Mapping[str, Any]
    act: str | None


_COMPUTED = ("text", "cut", "folded", "author_reason")
_PLAIN = [name for name in PageMessage.__dataclass_fields__ if name not in _COMPUTED]


def newest(connection: Connection, number: str, limit: int, before: int | None = None) -> list[PageMessage]:
    """Load the newest messages of a ticket, newest first; only older ones than the message `before`."""
    where = [messages.c.ticket == number, *([messages.c.id < before] if before else [])]
    query = _query(LONGEST).where(*where).order_by(messages.c.id.desc()).limit(limit)
    return [_message(row, LONGEST) for row in connection.execute(query)]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The start of a message, by which people know it."""

    id: int
    at: datetime
    author: str
    text: str


def excerpts(connection: Connection, number: str, limit: int, longest: int = 80) -> list[Excerpt]:
    """Load the starts of the newest messages that people wrote to us, newest first."""
    text = func.substr(messages.c.visible, 1, longest).label("text")
    query = select(messages.c.id, messages.c.at, messages.c.author, text)
    to_us = (messages.c.ticket == number, messages.c.direction == Direction.IN)
    newest_first = query.where(*to_us).order_by(messages.c.id.desc()).limit(limit)
    return [Excerpt(*row) for row in connection.execute(newest_first)]


def whole(connection: Connection, number: str, id_: int) -> PageMessage | None:
    """Load one message with all of its text; None where it is not on this ticket."""
    query = _query(WHOLE).where(messages.c.id == id_, messages.c.ticket == number)
    row = connection.execute(query).one_or_none()
    return _message(row, WHOLE) if row else None


def inbox_of(connection: Connection, number: str, id_: int) -> int | None:
    """Return the inbox entry of a message of this ticket; None for what is not there or did not come by mail."""
    here = (messages.c.id == id_, messages.c.ticket == number)
    return connection.scalar(select(messages.c.inbox_id).where(*here))


def raw_start(connection: Connection, inbox_id: int, size: int) -> bytes | None:
    """Load the first bytes of a mail as it came; None where retention deleted it."""
    start = func.substr(raw_mails.c.content, 1, size, type_=LargeBinary)
    return connection.scalar(select(start).where(raw_mails.c.inbox_id == inbox_id))


def _query(longest: int) -> Any:
    size = _OF_TEXT * longest
    return select(
        *(messages.c[name] for name in (*_PLAIN, "author_reason")),
        func.substr(messages.c.visible, 1, size).label("visible"),
        func.substr(messages.c.text, 1, size).label("text"),
        func.length(messages.c.visible).label("length"),
    )


def _message(row: Row[Any], longest: int) -> PageMessage:
    folded = folded_lines(row.text, row.visible) if row.direction is Direction.IN else []
    return PageMessage(
        **{name: getattr(row, name) for name in _PLAIN},
        text=row.visible[:longest],
        cut=max(0, row.length - longest),
        folded=_at_most(folded),
        author_reason=reason_of(row.author_reason),
    )


def _at_most(lines: Sequence[str]) -> list[str]:
    size = 0
    shown: list[str] = []
    for line in lines:
        size += len(line)
        if size > FOLDED:
            return [*shown, "[...]"]
        shown.append(line)
    return shown


def events_of_kinds(connection: Connection, number: str, *kinds: type[E]) -> list[E]:
    """Load the events of these kinds of one ticket, oldest first."""
    wanted = (events.c.ticket == number, events.c.kind.in_([each.kind for each in kinds]))
    rows = connection.execute(select(events).where(*wanted).order_by(events.c.seq))
    found: list[Any] = [event_of(row.kind, row.at, row.by, row.data) for row in rows]
    return found
