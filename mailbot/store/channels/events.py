"""What providers sent: kept before they get a reply, then read in order, each until it is done or parked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, or_, select, update

from mailbot.domain.model import InboxState, OutboxState
from mailbot.domain.people.identities import channel_of
from mailbot.store import inbox
from mailbot.store.engine import or_skip
from mailbot.store.inbox import ReceivedMail
from mailbot.store.retention.legal_holds import held_numbers
from mailbot.store.schema import NEW, WAITING, channel_contacts, channel_events, outbox
from mailbot.store.schema import inbox as mails

LONGEST_REASON = 300  # characters


@dataclass(frozen=True, slots=True)
class NewEvent:
    channel: str
    external_id: str
    content: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class KeptEvent:
    id: int
    external_id: str
    content: bytes
    received_at: datetime
    attempts: int


def keep(connection: Connection, items: Sequence[NewEvent]) -> list[bool]:
    """Keep events. False: one with its channel and id is there already."""
    return [_keep(connection, item) for item in items]


def _keep(connection: Connection, item: NewEvent) -> bool:
    row = {
        "channel": item.channel,
        "external_id": item.external_id,
        "content": item.content,
        "received_at": item.at,
        "due_at": item.at,
    }
    adding = or_skip(connection, channel_events, "channel", "external_id").values(row)
    return connection.execute(adding.returning(channel_events.c.id)).first() is not None


def due(connection: Connection, channel: str, now: datetime, most: int) -> list[KeptEvent]:
    """Load the oldest events of a channel that are to be read now."""
    names = ("id", "external_id", "content", "received_at", "attempts")
    query = (
        select(*(channel_events.c[name] for name in names))
        .where(channel_events.c.state == NEW, channel_events.c.channel == channel)
        .where(channel_events.c.due_at <= now)
        .order_by(channel_events.c.due_at, channel_events.c.id)
        .limit(most)
    )
    return [KeptEvent(*row) for row in connection.execute(query)]


@dataclass(frozen=True, slots=True)
class Contact:
    """Who wrote, by which name, and when."""

    address: str
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Read:
    """An event that was read, with the mails that it became. `reason`: why it became none."""

    id: int
    mails: tuple[ReceivedMail, ...] = ()
    contacts: tuple[Contact, ...] = ()
    reason: str = ""


def finish(connection: Connection, items: Sequence[Read]) -> list[bool]:
    """Mark events as done, and keep their mails in the inbox, in one commit. False: done already."""
    return [_finish(connection, item) for item in items]


def _finish(connection: Connection, item: Read) -> bool:
    mine = update(channel_events).where(channel_events.c.id == item.id, channel_events.c.state == NEW)
    if connection.execute(mine.values(_done(item))).rowcount == 0:
        return False
    if item.mails:
        first = inbox.keep(connection, item.mails)[0]
        here = channel_events.c.id == item.id
        connection.execute(update(channel_events).where(here).values(inbox_id=first.inbox_id))
    for contact in item.contacts:
        _note(connection, contact)
    return True


def _done(item: Read) -> dict[str, Any]:
    return {"state": InboxState.DONE, "reason": item.reason[:LONGEST_REASON] or None}


def _note(connection: Connection, contact: Contact) -> None:
    """Record that a person wrote, and let what waits for them leave. An older message changes nothing."""
    row = {"address": contact.address, "name": contact.name, "wrote_at": contact.at}
    connection.execute(or_skip(connection, channel_contacts, "address").values(row))
    earlier = or_(channel_contacts.c.wrote_at.is_(None), channel_contacts.c.wrote_at < contact.at)
    newer = (channel_contacts.c.address == contact.address, earlier)
    connection.execute(update(channel_contacts).where(*newer).values(name=contact.name, wrote_at=contact.at))
    waits = (WAITING, outbox.c.state == OutboxState.DEFERRED, outbox.c.recipient == contact.address)
    of_channel = outbox.c.domain == f"{channel_of(contact.address)}:"
    leaving = update(outbox).where(*waits, of_channel, outbox.c.due_at > contact.at)
    connection.execute(leaving.values(due_at=contact.at))


@dataclass(frozen=True, slots=True)
class Later:
    """An event to read again at `due_at`; without one it is parked."""

    id: int
    reason: str
    due_at: datetime | None = None


def put_off(connection: Connection, items: Sequence[Later]) -> list[None]:
    """Let events wait, or park them."""
    for item in items:
        values: dict[str, Any] = {"reason": item.reason[:LONGEST_REASON]}
        values |= {"attempts": channel_events.c.attempts + 1}
        values |= {"due_at": item.due_at} if item.due_at else {"state": InboxState.PARKED}
        mine = (channel_events.c.id == item.id, channel_events.c.state == NEW)
        connection.execute(update(channel_events).where(*mine).values(values))
    return [None] * len(items)


@dataclass(frozen=True, slots=True)
class Again:
    id: int
    now: datetime


def retry(connection: Connection, items: Sequence[Again]) -> list[bool]:
    """Let parked events be read again. False where one is not parked."""
    changed = []
    for item in items:
        parked = (channel_events.c.id == item.id, channel_events.c.state == InboxState.PARKED)
        again = {"state": InboxState.NEW, "attempts": 0, "due_at": item.now, "reason": None}
        changed.append(connection.execute(update(channel_events).where(*parked).values(again)).rowcount == 1)
    return changed


@dataclass(frozen=True, slots=True)
class Dropped:
    """A parked event that a person gives up, and why."""

    id: int
    reason: str


def drop(connection: Connection, items: Sequence[Dropped]) -> list[bool]:
    """Give parked events up: they are done, and became no mail. False where one is not parked."""
    changed = []
    for item in items:
        parked = (channel_events.c.id == item.id, channel_events.c.state == InboxState.PARKED)
        done = {"state": InboxState.DONE, "reason": item.reason[:LONGEST_REASON]}
        changed.append(connection.execute(update(channel_events).where(*parked).values(done)).rowcount == 1)
    return changed


def delete_done(connection: Connection, items: Sequence[datetime]) -> list[int]:
    """Delete events that are done and came before that moment. A provider repeats none that is so old.

    What belongs to a ticket under a legal hold stays.
    """
    held = select(mails.c.id).where(mails.c.ticket.in_(sorted(held_numbers(connection))))
    is_held = channel_events.c.inbox_id.is_not(None) & channel_events.c.inbox_id.in_(held)
    old = (channel_events.c.state == InboxState.DONE, channel_events.c.received_at < max(items), ~is_held)
    return [connection.execute(delete(channel_events).where(*old)).rowcount for _ in items]
