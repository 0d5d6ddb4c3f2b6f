"""What the page of a ticket shows to its customer, and to others who take part.

Theory of operation. A visitor sees own messages and our answers: no note, no machine's mail, nothing that somebody
else wrote. An answer is shown once its mail has left, for until then its author may take it back. Who joined later
sees the answers from the first mail on that we sent them.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, get_args

from sqlalchemy import Connection, Row, func, select

from mailbot.domain.events import SurveyEnqueued
from mailbot.domain.model import Authentication, Author, Direction, OutboxState, Ticket
from mailbot.domain.notices import ToCustomer
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.page_readers import is_customer, readers_of
from mailbot.store import conversation, queries
from mailbot.store.console import revoked_links
from mailbot.store.schema import attachments, events, messages, outbox, tickets
from mailbot.store.tickets import roles_of_tickets

LONGEST = 20_000  # characters of one message
MOST = 200  # messages, the newest
COPY = "copy"  # flag of a further copy of a mail
_KINDS = [kind.name for kind in get_args(ToCustomer)]
_LEFT = (OutboxState.DOT, OutboxState.SENT)

_PEOPLE = select(tickets.c.customer, tickets.c.reply_to)

Opens = Callable[
    [str, int], bool
]  # (address, how often its links were revoked) -> whether the key opens the page


@dataclass(frozen=True, slots=True)
class PageReader:
    """Who has opened which ticket: the address that the link was mailed to."""

    ticket: Ticket
    address: str

    @property
    def is_customer(self) -> bool:
        return is_customer(self.address, self.ticket)

    def is_own(self, address: str) -> bool:
        """Check for an address of this visitor."""
        same = owner(address) == owner(self.address)
        return same or (self.is_customer and is_customer(address, self.ticket))


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the visitor. `gone`: retention deleted its content."""

    position: int
    name: str
    type: str
    size: int
    digest: str
    gone: bool


@dataclass(frozen=True, slots=True)
class PageMessage:
    """A message that the visitor wrote, or one of our answers. `hidden`: it is named, and not shown."""

    id: int
    at: datetime
    own: bool
    text: str
    authentication: Authentication
    files: tuple[PageFile, ...] = ()
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class PageContent:
    """All that a page shows. `answered_id`: our newest mail to the visitor.

    `name`: of the visitor, by proven mail alone. A forger's must not become proven by a reply from the page.
    """

    messages: Sequence[PageMessage]
    survey: bool
    name: str = ""
    answered_id: str = ""
    references: tuple[str, ...] = field(default=())


def find_reader(connection: Connection, number: str, opens: Opens) -> PageReader | None:
    """Return whom a key belongs to, None for a wrong key and for a number that does not exist.

    The same is read in both cases, and of the ticket only who takes part: no time tells which numbers exist. A merged
    ticket leads to where its matter is, for who takes part there.
    """
    named = connection.execute(_PEOPLE.where(tickets.c.number == number)).one_or_none()
    roles = roles_of_tickets(connection, [number]).get(number, {})
    revoked = revoked_links.load(connection, [number])
    people = readers_of(*named, roles) if named else ("nobody@invalid.example",)
    address = next((each for each in people if opens(each, revoked.get((number, owner(each)), 0))), "")
    ticket = queries.ticket(connection, number) if named and address else None
    if ticket is None or ticket.merged_into is None:
        return PageReader(ticket, address) if ticket else None
    return _after_merge(connection, ticket, address)


def _after_merge(connection: Connection, ticket: Ticket, address: str) -> PageReader | None:
    seen = {ticket.number}
    while ticket.merged_into and ticket.merged_into not in seen:
        seen.add(ticket.merged_into)
        found = queries.ticket(connection, ticket.merged_into)
        if found is None:
            return None
        ticket = found
    roles = roles_of_tickets(connection, [ticket.number]).get(ticket.number, {})
    if owner(address) not in map(owner, readers_of(ticket.customer, ticket.reply_to, roles)):
        return None
    return PageReader(ticket, address)


def load(connection: Connection, reader: PageReader, forms: Collection[str]) -> PageContent:
    """Load the page. `forms`: addresses of ours that pass on what a customer wrote."""
    rows = _messages(connection, reader.ticket.number)
    numbers = {reader.ticket.number, *(row.home for row in rows)}
    mails = _mails(connection, numbers)
    own = [row for row in rows if row.direction is Direction.IN and _is_own(row, reader, forms)]
    answers = [row for row in rows if row.direction is Direction.OUT and _has_left(row, mails)]
    to_reader = [mail for mail in mails if reader.is_own(mail.recipient)]
    if not reader.is_customer:
        since = min((mail.requested_at for mail in to_reader), default=None)
        answers = [row for row in answers if since and row.at >= since]
    files = _files(connection, [row.inbox_id for row in own if row.inbox_id is not None])
    shown = sorted([*own, *answers], key=lambda row: int(row.id))
    proven = [row for row in own if row.authentication is Authentication.PASS and row.author not in forms]
    names = (str(row.addresses.get("name", "")) for row in reversed(proven))
    return PageContent(
        [_message(row, files.get(row.inbox_id, ())) for row in shown[-MOST:]],
        survey=_was_asked(connection, reader.ticket),
        name=next(filter(None, names), ""),
        answered_id=next((mail.message_id for mail in reversed(to_reader) if mail.message_id), ""),
        references=conversation.message_ids(connection, numbers, reader.address),
    )


def _messages(connection: Connection, number: str) -> Sequence[Row[Any]]:
    names = ("id", "at", "direction", "author", "home", "inbox_id", "act", "addresses", "flags")
    query = select(
        *(messages.c[name] for name in (*names, "author_kind", "authentication")),
        func.substr(messages.c.visible, 1, LONGEST).label("text"),
    ).where(messages.c.ticket == number, messages.c.direction != Direction.NOTE)
    newest = connection.execute(query.order_by(messages.c.id.desc()).limit(2 * MOST)).all()
    return list(reversed(newest))


def _is_own(row: Row[Any], reader: PageReader, forms: Collection[str]) -> bool:
    """Check that the visitor wrote a message, and not a machine of theirs."""
    if row.author_kind is not Author.PERSON or COPY in row.flags:
        return False
    written_by = row.addresses.get("reply_to", "") if row.author in forms else row.author
    return bool(written_by) and reader.is_own(written_by)


def _mails(connection: Connection, numbers: Collection[str]) -> Sequence[Row[Any]]:
    """Load our mails to people outside about these tickets, oldest first."""
    names = ("act", "state", "unknown", "recipient", "requested_at", "message_id")
    about = (outbox.c.ticket.in_(sorted(numbers)), outbox.c.kind.in_(_KINDS))
    query = select(*(outbox.c[name] for name in names)).where(*about).order_by(outbox.c.id)
    return list(connection.execute(query))


def _has_left(row: Row[Any], mails: Sequence[Row[Any]]) -> bool:
    """Check that an answer can't be taken back any more: a mail of its act has left, or never waited."""
    own = [mail for mail in mails if row.act and mail.act == row.act]
    return not own or any(mail.state in _LEFT or mail.unknown for mail in own)


def _files(connection: Connection, inbox_ids: Collection[int]) -> dict[int, list[PageFile]]:
    names = ("inbox_id", "position", "name", "type", "size", "digest", "deleted_at")
    query = select(*(attachments.c[name] for name in names)).where(attachments.c.inbox_id.in_(inbox_ids))
    found: dict[int, list[PageFile]] = {}
    for row in connection.execute(query.order_by(attachments.c.inbox_id, attachments.c.position)):
        file = PageFile(row.position, row.name, row.type, row.size, row.digest, row.deleted_at is not None)
        found.setdefault(row.inbox_id, []).append(file)
    return found


def _message(row: Row[Any], files: Sequence[PageFile]) -> PageMessage:
    own = row.direction is Direction.IN
    return PageMessage(row.id, row.at, own, row.text.strip(), row.authentication, tuple(files) if own else ())


def _was_asked(connection: Connection, ticket: Ticket) -> bool:
    """Check whether the customer was asked for a rating and has given none yet."""
    if ticket.closed_at is None or ticket.satisfaction is not None:
        return False
    asked = (events.c.ticket == ticket.number, events.c.kind == SurveyEnqueued.kind)
    return connection.scalar(select(events.c.seq).where(*asked).limit(1)) is not None
