"""What channels beside mail keep of a ticket or a mail that goes: their providers' events, ids and people."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Select, delete, select, update

from mailbot.store.schema import (
    channel_contacts,
    channel_events,
    channel_messages,
    identities,
    participants,
    tickets,
)


def empty_events(connection: Connection, inbox_ids: Collection[int]) -> None:
    """Delete what providers sent, of mails whose bytes go. That an event was there stays, for a repetition."""
    theirs = (channel_events.c.inbox_id.in_(inbox_ids), channel_events.c.content != b"")
    connection.execute(update(channel_events).where(*theirs).values(content=b""))


def delete_sent(connection: Connection, of_outbox: Select[Any]) -> None:
    """Delete what providers call messages of ours that go."""
    connection.execute(delete(channel_messages).where(channel_messages.c.outbox_id.in_(of_outbox)))


def people_of(connection: Connection, numbers: Collection[str]) -> list[str]:
    """Return who takes part in tickets by a channel."""
    theirs = select(participants.c.address).where(participants.c.ticket.in_(numbers))
    here = theirs.where(participants.c.address.in_(select(channel_contacts.c.address)))
    return sorted(set(connection.scalars(here)))


def delete_people(connection: Connection, addresses: Collection[str]) -> None:
    """Delete those who take part in no ticket any more."""
    elsewhere = select(participants.c.address).where(participants.c.address == channel_contacts.c.address)
    gone = (channel_contacts.c.address.in_(addresses), ~elsewhere.exists())
    connection.execute(delete(channel_contacts).where(*gone))


def persons_of(connection: Connection, numbers: Collection[str]) -> list[str]:
    """Return the customers of tickets who have several identities, each by the first of them."""
    theirs = select(tickets.c.person).where(tickets.c.number.in_(numbers))
    found = connection.scalars(select(identities.c.person).where(identities.c.address.in_(theirs)))
    return sorted(set(found))


def delete_links(connection: Connection, persons: Collection[str]) -> None:
    """Delete which identities are one person, of those who have no ticket by any of them any more."""
    of_person = identities.alias()
    has_ticket = select(tickets.c.number).join(of_person, of_person.c.address == tickets.c.person)
    lives = has_ticket.where(of_person.c.person == identities.c.person).correlate(identities).exists()
    connection.execute(delete(identities).where(identities.c.person.in_(persons), ~lives))
