"""Which ticket a chat is about, where its message names none: the newest that is open, or was closed just now."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, or_, select, union

from mailbot.domain.model import OVER, TAKES_PART, Status
from mailbot.store.channels import identities
from mailbot.store.schema import participants, tickets

AFTER_CLOSING = timedelta(days=1)  # in which "thanks", "5" and "it is back" belong to the closed ticket


def load(connection: Connection, addresses: Collection[str], now: datetime) -> dict[str, str]:
    """Map identities that have such a ticket to its number."""
    found: dict[str, str] = {}
    for address, people in identities.same_people(connection, addresses).items() if addresses else ():
        if row := connection.execute(_newest(address, people, now)).first():
            found[address] = row.number
    return found


def _newest(address: str, people: Sequence[str], now: datetime) -> Select[Any]:
    """Select the newest ticket in which the identity takes part, or whose customer is one of `people`, the same."""
    takes_part = select(participants.c.ticket).where(
        participants.c.address == address, participants.c.role.in_(list(TAKES_PART))
    )
    theirs = select(tickets.c.number).where(tickets.c.person.in_(people))
    is_open = tickets.c.status.not_in([each.value for each in OVER])
    just_closed = and_(tickets.c.status == Status.CLOSED.value, tickets.c.closed_at >= now - AFTER_CLOSING)
    return (
        select(tickets.c.number)
        .where(tickets.c.number.in_(union(takes_part, theirs)))
        .where(or_(is_open, just_closed))
        .order_by(tickets.c.opened_at.desc(), tickets.c.number)
        .limit(1)
    )
