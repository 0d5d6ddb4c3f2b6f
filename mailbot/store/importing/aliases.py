"""The numbers that tickets had at another desk."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, select

from mailbot.store.database.prepared import PreparedList, adding_new
from mailbot.store.schema import number_aliases

_ADD = adding_new(number_aliases, ("alias", "ticket"))
_FIND = PreparedList(
    lambda aliases: (
        select(number_aliases.c.alias, number_aliases.c.ticket)
        .where(number_aliases.c.alias.in_(aliases))
        .order_by(number_aliases.c.alias, number_aliases.c.ticket)
    )
)


def exist(connection: Connection) -> bool:
    """Check whether any ticket came from another desk with a number."""
    return connection.scalar(select(number_aliases.c.alias).limit(1)) is not None


def find(connection: Connection, aliases: Collection[str]) -> list[tuple[str, str]]:
    """Return (old number, ticket) for each of these old numbers that a ticket had, once each."""
    return list(dict.fromkeys((alias, ticket) for alias, ticket in _FIND.fetch(connection, aliases)))


def add(connection: Connection, aliases: Sequence[tuple[str, str]]) -> None:
    """Add (old number, ticket); what is there already is left as it is."""
    if aliases:
        _ADD.run(connection, [{"alias": alias, "ticket": ticket} for alias, ticket in sorted(set(aliases))])


def of_ticket(connection: Connection, number: str) -> list[str]:
    """Return the numbers that a ticket had elsewhere."""
    query = select(number_aliases.c.alias).where(number_aliases.c.ticket == number)
    return list(connection.scalars(query.order_by(number_aliases.c.alias)))
