"""The names that customers write beside their addresses, for lists of tickets."""

from collections.abc import Collection

from sqlalchemy import Connection, func, select

from mailbot.store.schema import messages


def of_tickets(connection: Connection, numbers: Collection[str]) -> list[tuple[str, str]]:
    """List (address, name) of who wrote the oldest message on each of these tickets; a name may be empty."""
    first = select(func.min(messages.c.id)).where(messages.c.ticket.in_(numbers)).group_by(messages.c.ticket)
    query = select(messages.c.author, messages.c.addresses).where(messages.c.id.in_(first))
    return [(row.author, str(row.addresses.get("name", ""))) for row in connection.execute(query)]
