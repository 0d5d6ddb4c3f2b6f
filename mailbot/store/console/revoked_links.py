"""How often the links to a customer's page were revoked: by ticket, and by person in one spelling."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from mailbot.domain.people.addresses import owner
from mailbot.store.schema import revoked_links

Revoked = dict[tuple[str, str], int]  # (ticket, owner of the address) -> how often


def load(connection: Connection, numbers: Collection[str]) -> Revoked:
    """Load the counts of these tickets; who is missing has none."""
    if not numbers:
        return {}
    columns = (revoked_links.c.ticket, revoked_links.c.address, revoked_links.c["count"])
    query = select(*columns).where(revoked_links.c.ticket.in_(sorted(numbers)))
    return {(ticket, person): count for ticket, person, count in connection.execute(query)}


def revoke(connection: Connection, number: str, addresses: Collection[str], now: datetime) -> None:
    """Count once more for each of these people: what they were sent opens nothing any more."""
    counts = load(connection, [number])
    for person in sorted(set(map(owner, addresses))):
        where = (revoked_links.c.ticket == number, revoked_links.c.address == person)
        if count := counts.get((number, person), 0):
            connection.execute(update(revoked_links).where(*where).values(count=count + 1, at=now))
        else:
            row = {"ticket": number, "address": person, "count": 1, "at": now}
            connection.execute(insert(revoked_links).values(row))
