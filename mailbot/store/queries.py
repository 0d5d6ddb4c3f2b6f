"""Read-only questions of people and of /metrics, one function each. The outbox has its own:
`outbox_queries`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select, text

from mailbot.domain.model import (
    Authentication,
    Author,
    DeadlineState,
    Direction,
    InboxState,
    OutboxState,
    Role,
    Ticket,
)
from mailbot.domain.reasons import Reason
from mailbot.store import frozen, outbox_queries
from mailbot.store.codec import event_of, reason_of
from mailbot.store.lists.ticket_rows import RecordedEvent, ticket_of
from mailbot.store.schema import (
    attachments,
    channel_events,
    deadlines,
    deleted_tickets,
    events,
    inbox,
    links,
    messages,
    nodes,
    outbox,
    participants,
    raw_mails,
    tickets,
)
from mailbot.store.service import claims

# As literal text: a planner can't match a bound parameter with the condition of a partial index.
NEW = text(f"inbox.state = '{InboxState.NEW}'")
PARKED = text(f"inbox.state = '{InboxState.PARKED}'")
ARMED = text(f"deadlines.state = '{DeadlineState.ARMED}'")
LATE = timedelta(minutes=1)  # deadlines are taken within a second


# --- tickets ----------------------------------------------------------------------------------------------


def ticket(connection: Connection, number: str) -> Ticket | None:
    row = connection.execute(select(tickets).where(tickets.c.number == number)).one_or_none()
    return None if row is None else ticket_of(row)


def ticket_deleted_at(connection: Connection, number: str) -> datetime | None:
    """Return when retention deleted this ticket; None when it did not."""
    return connection.scalar(select(deleted_tickets.c.deleted_at).where(deleted_tickets.c.number == number))


def numbers_like(connection: Connection, start: str, limit: int = 3) -> list[str]:
    """List numbers with the same beginning, as suggestions for a wrong check digit."""
    query = select(tickets.c.number).where(tickets.c.number.startswith(start, autoescape=True))
    return list(connection.scalars(query.order_by(tickets.c.number).limit(limit)))


@dataclass(frozen=True, slots=True)
class Participant:
    address: str
    role: Role


def participants_of(connection: Connection, number: str) -> list[Participant]:
    columns = (participants.c.address, participants.c.role)
    query = select(*columns).where(participants.c.ticket == number).order_by(participants.c.address)
    return [Participant(row.address, row.role) for row in connection.execute(query)]


@dataclass(frozen=True, slots=True)
class AttachmentView:
    """A file of a message. `deleted_at`: when retention deleted its content."""

    name: str
    type: str
    size: int
    digest: str
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message on a ticket. `text` is what its author wrote this time, cut; `length` of the whole text."""

    id: int
    at: datetime
    direction: Direction
    author: str
    subject: str
    text: str
    length: int
    message_id: str
    inbox_id: int | None
    evidence: Mapping[str, Any]  # see `codec.match_data`
    home: str  # the ticket it was first filed on
    no_auto_reply: Reason
    author_kind: Author
    author_reason: Reason
    authentication: Authentication
    addresses: Mapping[str, Any]  # see the table
    flags: Sequence[str]
    channel: str = "mail"  # by which it came
    attachments: Sequence[AttachmentView] = ()


def messages_of(connection: Connection, number: str, *, longest: int) -> list[MessageView]:
    """Load the messages of a ticket, oldest first, each with at most `longest` characters of text."""
    computed = ("text", "length", "attachments")
    reasons = ("no_auto_reply", "author_reason")
    names = [name for name in MessageView.__dataclass_fields__ if name not in computed]
    rows = connection.execute(
        select(
            *(messages.c[name] for name in names),
            func.substr(messages.c.visible, 1, longest).label("text"),
            func.length(messages.c.visible).label("length"),
        )
        .where(messages.c.ticket == number)
        .order_by(messages.c.id)
    ).all()
    attached = _attached(connection, number)
    return [
        MessageView(
            **{**row._mapping, **{name: reason_of(getattr(row, name)) for name in reasons}},
            attachments=attached.get(row.inbox_id, ()),
        )
        for row in rows
    ]


def _attached(connection: Connection, number: str) -> dict[int | None, list[AttachmentView]]:
    rows = connection.execute(
        select(attachments)
        .join(messages, messages.c.inbox_id == attachments.c.inbox_id)
        .where(messages.c.ticket == number)
        .order_by(attachments.c.inbox_id, attachments.c.position)
    )
    found: dict[int | None, list[AttachmentView]] = {}
    for row in rows:
        view = AttachmentView(*(getattr(row, name) for name in AttachmentView.__dataclass_fields__))
        found.setdefault(row.inbox_id, []).append(view)
    return found


@dataclass(frozen=True, slots=True)
class Link:
    """`ticket` has to do with `other`. `now`: it still holds (merging and holding end some day)."""

    ticket: str
    kind: str
    other: str
    now: bool


def links_of(connection: Connection, number: str) -> list[Link]:
    """Load the links of a ticket, from it and to it."""
    query = (
        select(links, tickets.c.merged_into, tickets.c.held_for)
        .join(tickets, tickets.c.number == links.c.ticket)
        .where(or_(links.c.ticket == number, links.c.other == number))
        .order_by(links.c.ticket, links.c.kind, links.c.other)
    )
    return [
        Link(row.ticket, row.kind, row.other, getattr(row, row.kind, row.other) == row.other)
        for row in connection.execute(query)
    ]


def events_since(connection: Connection, at: datetime) -> list[tuple[str, RecordedEvent]]:
    """(number, event) of all tickets from that moment on. Reads the whole log: for the demo's small store."""
    query = select(events).where(events.c.at >= at).order_by(events.c.at, events.c.ticket, events.c.seq)
    return [
        (row.ticket, RecordedEvent(row.seq, row.policy, event_of(row.kind, row.at, row.by, row.data)))
        for row in connection.execute(query)
    ]


# --- inbox ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """A mail that came in. `sender` and `recipients` are the envelope's; `reason`: why it is parked.

    `deleted_at`: when retention deleted its bytes; `deleted_digest` is their SHA-256.
    """

    id: int
    fingerprint: str
    state: InboxState
    received_at: datetime
    sender: str
    recipients: Sequence[str]
    peer: str
    size: int
    claimed_by: str | None
    claimed_at: datetime | None
    attempts: int
    ticket: str | None
    reason: str | None
    deleted_at: datetime | None
    deleted_digest: str | None


_INBOX = tuple(inbox.c[name] for name in InboxEntry.__dataclass_fields__)


def list_inbox(
    connection: Connection,
    *,
    states: Sequence[str] = (),
    number: str = "",
    stuck: bool = False,
    limit: int = 100,
) -> list[InboxEntry]:
    """List the newest first; only those in `states`, on ticket `number` and stuck where that is given."""
    query: Select[Any] = select(*_INBOX).order_by(inbox.c.id.desc()).limit(limit)
    if states:
        query = query.where(inbox.c.state.in_(states))
    if list(states) == [InboxState.NEW]:
        query = query.where(NEW)
    if list(states) == [InboxState.PARKED]:
        query = query.where(PARKED)
    if number:
        query = query.where(inbox.c.ticket == number)
    if stuck:
        query = query.where(claims.is_stuck(inbox))
    return [InboxEntry(**row._mapping) for row in connection.execute(query)]


def find_inbox_entry(connection: Connection, key: int | str) -> InboxEntry | None:
    """Find the mail with this id (a number) or this fingerprint (a text)."""
    column = inbox.c.id if isinstance(key, int) else inbox.c.fingerprint
    row = connection.execute(select(*_INBOX).where(column == key)).one_or_none()
    return None if row is None else InboxEntry(**row._mapping)


def inbox_of(connection: Connection, message: int) -> int | None:
    """Find the inbox entry of a message; None for what did not come by mail."""
    return connection.scalar(select(messages.c.inbox_id).where(messages.c.id == message))


def raw_mail(connection: Connection, inbox_id: int) -> bytes | None:
    """Load a mail byte for byte as it came."""
    return connection.scalar(select(raw_mails.c.content).where(raw_mails.c.inbox_id == inbox_id))


# --- outbox -----------------------------------------------------------------------------------------------


def frozen_mail(connection: Connection, outbox_id: int) -> bytes | None:
    """Load a mail byte for byte as it is sent; None for one that never will be."""
    nonce = connection.scalar(select(outbox.c.nonce).where(outbox.c.id == outbox_id))
    return frozen.load(connection, [nonce]).get(nonce) if nonce else None


# --- how things stand -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """How things stand. `inbox` and `outbox`: rows that are not done, by state; `oldest`: age of the oldest
    that waits in "inbox" and "outbox", in "channels" that is due; `stuck`: rows that are claimed and in nobody's hand.

    `channels`: what their providers sent and is not read, by state.

    `late_deadlines` are overdue for more than LATE. `incidents`: those that nobody has resolved.
    """

    inbox: Mapping[str, int] = field(default_factory=dict)
    outbox: Mapping[str, int] = field(default_factory=dict)
    overdue_deadlines: int = 0
    oldest: Mapping[str, timedelta] = field(default_factory=dict)
    incidents: int = 0
    stuck: Mapping[str, int] = field(default_factory=dict)
    late_deadlines: int = 0
    parked_deadlines: int = 0
    channels: Mapping[str, int] = field(default_factory=dict)


def store_status(connection: Connection, now: datetime) -> StoreStatus:
    """Load the store's figures, in as many steps as there is unfinished work."""
    from mailbot.store import incidents

    oldest = select(inbox.c.received_at).where(NEW).order_by(inbox.c.id).limit(1)
    oldest_new_at = connection.scalar(oldest)
    unsettled = outbox_queries.unsettled(connection)
    since = {"inbox": oldest_new_at, "outbox": unsettled.oldest_at, "channels": _first_event_due(connection)}
    return StoreStatus(
        inbox={
            InboxState.NEW: _count(connection, "inbox", InboxState.NEW),
            InboxState.PARKED: _count(connection, "inbox", InboxState.PARKED),
        },
        outbox={**unsettled.by_state, OutboxState.FAILED: _count(connection, "outbox", OutboxState.FAILED)},
        overdue_deadlines=overdue(connection, now),
        oldest={place: max(timedelta(), now - at) for place, at in since.items() if at},
        incidents=incidents.open_count(connection),
        stuck={place: found.rows for place, found in claims.count_stuck(connection).items()},
        late_deadlines=overdue(connection, now - LATE),
        parked_deadlines=_count(connection, "deadlines", DeadlineState.PARKED),
        channels={
            state: _count(connection, "channel_events", state)
            for state in (InboxState.NEW, InboxState.PARKED)
        },
    )


def _first_event_due(connection: Connection) -> datetime | None:
    """Return since when an event of a channel could have been read; one whose file is awaited is due later."""
    new = text("channel_events.state = 'new'")  # as literal text, for the partial index
    found: datetime | None = connection.scalar(select(func.min(channel_events.c.due_at)).where(new))
    return found


def held_mail(connection: Connection) -> tuple[int, int]:
    """Count parked mails of the inbox, and failed ones of the outbox."""
    return _count(connection, "inbox", InboxState.PARKED), _count(connection, "outbox", OutboxState.FAILED)


def _count(connection: Connection, name: str, state: str) -> int:
    found = connection.scalar(text(f"SELECT count(*) FROM {name} WHERE {name}.state = '{state}'"))
    return int(found or 0)


def overdue(connection: Connection, by: datetime) -> int:
    """Count deadlines that were due by then and have not been taken."""
    query = select(func.count()).select_from(deadlines).where(ARMED, deadlines.c.due_at <= by)
    return connection.scalar(query) or 0


def last_mail_at(connection: Connection) -> datetime | None:
    """Return when the newest mail was received."""
    return connection.scalar(select(inbox.c.received_at).order_by(inbox.c.id.desc()).limit(1))


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A daemon that is registered. `silent_for` is measured by the database's clock, as the leases are."""

    id: str
    host: str
    pid: int
    roles: Sequence[str]
    started_at: datetime
    silent_for: timedelta
    policy: str
    reloaded_at: datetime
    reload_error: str | None
    troubles: Sequence[str]  # what is wrong with it, for people


def list_nodes(connection: Connection) -> list[NodeStatus]:
    from mailbot.store.service.nodes import database_time

    now = database_time(connection)
    copied = [name for name in NodeStatus.__dataclass_fields__ if name not in ("roles", "silent_for")]
    return [
        NodeStatus(
            **{name: getattr(row, name) for name in copied},
            roles=tuple(filter(None, row.roles.split(","))),
            silent_for=max(timedelta(), now - row.seen_at),
        )
        for row in connection.execute(select(nodes).order_by(nodes.c.started_at))
    ]
