"""Identities of one person: read with those of everybody whom a command names, written by its events.

Theory of operation. The rows are changed under one lock, so that two links made at once can't miss each other. What
a link gives is never copied: who is the customer of a ticket, where chats belong and what lists show is read here.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, delete, func, insert, literal, select

from mailbot.domain.events import Event, IdentityLinked, IdentityUnlinked
from mailbot.domain.model import OVER, Role
from mailbot.domain.people import persons
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.persons import Identity, Known
from mailbot.store.schema import channel_contacts, identities, tickets

LOCK = 8_015  # of PostgreSQL's advisory locks
_MINE, _OTHERS = identities.alias("mine"), identities.alias("others")


def lock(connection: Connection) -> None:
    """Let nobody else link or unlink until this transaction ends. Take this lock after that of tickets."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(LOCK)))


def load(connection: Connection, addresses: Collection[str]) -> Known:
    """Load all identities of everybody who has one of these addresses."""
    people = select(_MINE.c.person).where(_MINE.c.address.in_(sorted({owner(each) for each in addresses})))
    names = [identities.c[each.name] for each in fields(Identity)]
    rows = connection.execute(select(*names).where(identities.c.person.in_(people)))
    return {row.address: Identity(**row._mapping) for row in rows}


def record(connection: Connection, event: Event) -> None:
    """Keep what an event changes in the table; most events change nothing."""
    match event:
        case IdentityLinked(at=at, by=by, address=address, other=other):
            known = load(connection, (address, other))
            _replace(connection, known, persons.link(known, other, address, at, str(by), event.kind))
        case IdentityUnlinked(address=address, other=other):
            known = load(connection, (address, other))
            _replace(connection, known, persons.unlink(known, other, address))


def _replace(connection: Connection, before: Known, after: Known) -> None:
    changed = [each for address, each in after.items() if before.get(address) != each]
    gone = [*(before.keys() - after.keys()), *(each.address for each in changed)]
    connection.execute(delete(identities).where(identities.c.address.in_(gone)))
    if changed:
        connection.execute(insert(identities), [asdict(each) for each in changed])


# --- who is linked, as parts of other statements --------------------------------------------------------------


def linked_customers(numbers: Sequence[BindParameter[str]]) -> Select[Any]:
    """Select (ticket, address, "customer", written) of each identity linked to the customer of one of these tickets."""
    return (
        select(tickets.c.number, _OTHERS.c.address, literal(Role.CUSTOMER.value), _OTHERS.c.written)
        .join(_MINE, _MINE.c.address == tickets.c.person)
        .join(_OTHERS, _OTHERS.c.person == _MINE.c.person)
        .where(tickets.c.number.in_(numbers), _OTHERS.c.address != _MINE.c.address)
    )


def linked_to(people: Sequence[BindParameter[str]] | Sequence[str]) -> Select[Any]:
    """Select (person, other) of every identity `other` that is linked to one of `people`, all by `addresses.owner`."""
    return (
        select(_MINE.c.address.label("person"), _OTHERS.c.address.label("other"))
        .join(_OTHERS, _OTHERS.c.person == _MINE.c.person)
        .where(_MINE.c.address.in_(people), _OTHERS.c.address != _MINE.c.address)
    )


def tickets_of_linked(person: str) -> Select[Any]:
    """Select the numbers of tickets of the identities linked to this one, as `addresses.owner` writes it."""
    linked = linked_to([person]).subquery()
    return select(tickets.c.number).join(linked, linked.c.other == tickets.c.person)


def same_people(connection: Connection, people: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Map each of `people` to all identities of that person, this one first, as `addresses.owner` writes them."""
    found = {person: [person] for person in sorted(people)}
    for row in connection.execute(linked_to(sorted(people))):
        found[row.person].append(row.other)
    return {person: tuple(others) for person, others in found.items()}


# --- what a link is checked by --------------------------------------------------------------------------------


def name_of_contact(connection: Connection, address: str) -> str | None:
    """Return how somebody is called in a chat, None for an identity that never wrote to us."""
    return connection.scalar(select(channel_contacts.c.name).where(channel_contacts.c.address == address))


def open_tickets(connection: Connection, address: str, most: int) -> tuple[str, ...]:
    """Return the newest open tickets whose customer has this address."""
    live = tickets.c.status.not_in([each.value for each in OVER])
    query = select(tickets.c.number).where(tickets.c.person == owner(address), live)
    return tuple(connection.scalars(query.order_by(tickets.c.opened_at.desc()).limit(most)))


def answered_elsewhere(connection: Connection, people: Collection[str]) -> list[tuple[str, str, str]]:
    """Return (number, customer, reply_to) of tickets of these people whose answers go to another address."""
    columns = (tickets.c.number, tickets.c.customer, tickets.c.reply_to)
    query = select(*columns).where(tickets.c.person.in_(sorted(people)), tickets.c.reply_to != "")
    return [(row.number, row.customer, row.reply_to) for row in connection.execute(query)]
