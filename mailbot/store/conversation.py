"""What was written and sent on one ticket, in the order of its conversation."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    bindparam,
    func,
    literal,
    or_,
    select,
    union_all,
)

from mailbot.domain.model import OVER, Authentication, Direction, OutboxState, Ticket
from mailbot.domain.notices import TeamNotice
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.context import NEWEST, TEXT_LIMIT, Entry, File, contacts
from mailbot.domain.replies.folded_lines import folded_lines
from mailbot.store.channels.identities import linked_to
from mailbot.store.database.prepared import PreparedList
from mailbot.store.schema import attachments, contents, frozen_mails, inbox, messages, outbox, tickets

CONTENT_LIMIT = 256 * 1024  # bytes of a mail of ours: its texts come before its files
PUBLIC_LIMIT = 20_000  # characters of one message
MESSAGES = 30
NOTICE_LANE = TeamNotice.lane


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail that we composed.

    - `settled_at`: when the relay took it; None while nobody knows.
    - `content`: its start, without most of its files.
    """

    message_id: str
    kind: str
    settled_at: datetime | None
    content: bytes


def sent_to(
    connection: Connection, tickets: Collection[str], recipient: str, limit: int, nonces: Collection[str] = ()
) -> list[SentMail]:
    """Load our newest mails to this recipient about these tickets, and those with these nonces."""
    to_recipient = (outbox.c.recipient == recipient, outbox.c.state != OutboxState.SUPPRESSED)
    newest = select(outbox.c.id).where(outbox.c.ticket.in_(sorted(tickets)), *to_recipient)
    wanted: ColumnElement[bool] = outbox.c.id.in_(newest.order_by(outbox.c.id.desc()).limit(limit))
    if nonces:
        wanted = or_(wanted, outbox.c.nonce.in_(sorted(nonces)))
    start = func.substr(frozen_mails.c.content, 1, CONTENT_LIMIT, type_=LargeBinary).label("content")
    columns = (*(outbox.c[name] for name in ("message_id", "kind", "settled_at")), start)
    joined = outbox.join(frozen_mails, frozen_mails.c.nonce == outbox.c.nonce)
    rows = connection.execute(
        select(*columns).select_from(joined).where(wanted, *to_recipient).order_by(outbox.c.id.desc())
    )
    return [SentMail(**row._mapping) for row in rows]


def public_texts(connection: Connection, number: str) -> list[str]:
    """Load the newest texts that the customer wrote or received."""
    text = func.substr(messages.c.visible, 1, PUBLIC_LIMIT)
    public = messages.c.direction.in_((Direction.IN, Direction.OUT))
    query = select(text).where(messages.c.ticket == number, public).order_by(messages.c.id.desc())
    return list(connection.scalars(query.limit(MESSAGES)))


def message_ids(
    connection: Connection, tickets: Collection[str], customer: str, limit: int = 20
) -> tuple[str, ...]:
    """Return the Message-IDs of the conversation with the customer: the first and the newest, oldest first."""
    written = select(messages.c.message_id, messages.c.at.label("at")).where(
        messages.c.ticket.in_(sorted(tickets)),
        messages.c.direction == Direction.IN,
        messages.c.message_id != "",
    )
    sent = select(outbox.c.message_id, outbox.c.due_at.label("at")).where(
        outbox.c.ticket.in_(sorted(tickets)),
        # The acknowledgement may have gone to the return path.
        or_(outbox.c.recipient == customer, outbox.c.kind == "acknowledgement"),
        outbox.c.state != OutboxState.SUPPRESSED,
        outbox.c.message_id != "",
    )
    rows = [*connection.execute(written), *connection.execute(sent)]
    found = list(dict.fromkeys(row.message_id for row in sorted(rows, key=lambda row: row.at)))
    return tuple(found if len(found) <= limit else [found[0], *found[1 - limit :]])


def proven_name(connection: Connection, ticket: Ticket) -> str:
    """Return the name in the newest mail that is proven to be the customer's, "" without one."""
    people = sorted({ticket.customer, ticket.answers_to})
    query = select(messages.c.addresses).where(
        messages.c.ticket == ticket.number,
        messages.c.direction == Direction.IN,
        messages.c.author.in_(people),
        messages.c.authentication == Authentication.PASS,
    )
    newest = connection.scalar(query.order_by(messages.c.id.desc()).limit(1))
    return str(newest.get("name", "")) if newest else ""


def newer_than(connection: Connection, number: str, message: int, author: str) -> int:
    """Count what the customer and others wrote after that message; `author`: whose own do not count."""
    public = messages.c.direction.in_((Direction.IN, Direction.OUT))
    newer = (messages.c.ticket == number, messages.c.id > message, messages.c.author != author, public)
    return connection.scalar(select(func.count()).select_from(messages).where(*newer)) or 0


def newest_message(connection: Connection, number: str) -> int:
    """Return the id of the newest message on the ticket, 0 without one."""
    return connection.scalar(select(func.max(messages.c.id)).where(messages.c.ticket == number)) or 0


# --- what notices show ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FiledEntry:
    """A message of `ticket`. `total` counts all of them."""

    ticket: str
    id: int
    total: int
    entry: Entry


_ENTRY = ("id", "ticket", "at", "direction", "author", "authentication", "flags", "addresses")


def newest_entries(
    connection: Connection, numbers: Collection[str], ids: Collection[int] = ()
) -> list[FiledEntry]:
    """Load the newest messages of each of these tickets, and those with these ids; newest first."""
    if not numbers:
        return []
    newest_first = messages.c.id.desc()
    place = func.row_number().over(partition_by=messages.c.ticket, order_by=newest_first).label("place")
    total = func.count().over(partition_by=messages.c.ticket).label("total")
    ranked = select(messages.c.id, place, total).where(messages.c.ticket.in_(sorted(numbers))).subquery()
    newest = select(ranked.c.id).where(ranked.c.place <= NEWEST)
    wanted: ColumnElement[bool] = messages.c.id.in_(newest)
    if ids:
        wanted = or_(wanted, messages.c.id.in_(sorted(ids)))
    visible = func.substr(messages.c.visible, 1, TEXT_LIMIT * 4).label("visible")
    text = func.substr(messages.c.text, 1, TEXT_LIMIT * 4).label("text")
    length = func.length(messages.c.visible).label("length")
    query = (
        select(*(messages.c[name] for name in _ENTRY), visible, text, length, ranked.c.total)
        .select_from(messages.outerjoin(ranked, ranked.c.id == messages.c.id))
        .where(wanted)
        .order_by(messages.c.id.desc())
    )
    rows = connection.execute(query)
    return [FiledEntry(row.ticket, row.id, row.total or 0, _entry(row)) for row in rows]


def _entry(row: Any) -> Entry:
    shown = row.visible[:TEXT_LIMIT]
    return Entry(
        direction=row.direction,
        author=row.author,
        text=shown,
        at=row.at,
        authentication=row.authentication,
        flags=tuple(row.flags),
        cut=row.length - len(shown),
        folded="\n".join(folded_lines(row.text, row.visible)) if row.direction is Direction.IN else "",
        **named(row.addresses),
    )


def named(addresses: Mapping[str, Any]) -> dict[str, Any]:
    """Return whom a mail names, as `Entry` has it. `addresses` is as in the table."""
    return {
        "name": addresses.get("name", ""),
        "to": contacts(addresses.get("to", ())),
        "cc": contacts(addresses.get("cc", ())),
        "reply_to": addresses.get("reply_to", ""),
        "original_from": addresses.get("original_from", ""),
    }


def files_of(connection: Connection, numbers: Collection[str]) -> dict[str, list[File]]:
    """List the files that came in mails, numbered on each ticket in the order they came."""
    if not numbers:
        return {}
    names = ("name", "type", "size", "digest", "deleted_at")
    query = (
        select(
            messages.c.ticket, messages.c.id, inbox.c.received_at, *(attachments.c[name] for name in names)
        )
        .join(messages, messages.c.inbox_id == attachments.c.inbox_id)
        .join(inbox, inbox.c.id == attachments.c.inbox_id)
        .where(messages.c.ticket.in_(sorted(numbers)))
        .order_by(messages.c.id, attachments.c.position)
    )
    found: dict[str, list[File]] = {}
    for row in connection.execute(query):
        listed = found.setdefault(row.ticket, [])
        at = {"at": row.received_at, "deleted_at": row.deleted_at, "message": row.id}
        listed.append(File(len(listed) + 1, row.name, row.type, row.size, row.digest, **at))
    return found


def contents_of(connection: Connection, digests: Collection[str]) -> dict[str, bytes]:
    """Load the contents of files by digest."""
    if not digests:
        return {}
    query = select(contents.c.digest, contents.c.content).where(contents.c.digest.in_(sorted(digests)))
    return {row.digest: row.content for row in connection.execute(query)}


def earlier_notices(
    connection: Connection, numbers: Collection[str]
) -> dict[str, dict[str, tuple[tuple[str, ...], datetime]]]:
    """Map each ticket to its recipients' notices: Message-IDs, oldest first, and when the last was made.

    One that never leaves is none.
    """
    if not numbers:
        return {}
    query = (
        select(outbox.c.ticket, outbox.c.recipient, outbox.c.message_id, outbox.c.requested_at)
        .where(outbox.c.ticket.in_(sorted(numbers)), outbox.c.lane == NOTICE_LANE, outbox.c.message_id != "")
        .where(outbox.c.state != OutboxState.SUPPRESSED)
        .order_by(outbox.c.id)
    )
    found: dict[str, dict[str, tuple[tuple[str, ...], datetime]]] = {}
    for row in connection.execute(query):
        of_ticket = found.setdefault(row.ticket, {})
        ids, _ = of_ticket.get(row.recipient, ((), row.requested_at))
        of_ticket[row.recipient] = ((*ids, row.message_id), row.requested_at)
    return found


def _open_tickets(people: Sequence[BindParameter[str]]) -> Select[Any]:
    names = (tickets.c.number, tickets.c.subject, tickets.c.opened_at)
    live = tickets.c.status.not_in([literal(status.value) for status in OVER])
    linked = linked_to(people).subquery()
    theirs = select(*names, linked.c.person).join(linked, linked.c.other == tickets.c.person).where(live)
    mine = select(*names, tickets.c.person).where(tickets.c.person.in_(people), live)
    found = union_all(mine, theirs).subquery()
    place = func.row_number().over(partition_by=found.c.person, order_by=found.c.opened_at.desc())
    ranked = select(found, place.label("place")).subquery()
    newest = select(ranked.c.person, ranked.c.number, ranked.c.subject)
    return newest.where(ranked.c.place <= bindparam("most")).order_by(ranked.c.place)


_OPEN = PreparedList(_open_tickets)


def open_tickets_of(
    connection: Connection, customers: Collection[str], most: int
) -> dict[str, list[tuple[str, str]]]:
    """List the newest open tickets of each of these customers, by all identities: number and subject."""
    if not customers:
        return {}
    people = {customer: owner(customer) for customer in customers}
    found: dict[str, list[tuple[str, str]]] = {}
    for person, number, subject in _OPEN.fetch(connection, sorted(set(people.values())), {"most": most}):
        found.setdefault(person, []).append((number, subject))
    return {customer: found.get(person, []) for customer, person in people.items()}
