"""Which ticket a chat is about, where its message names none: the newest that is open, or was closed just now."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, or_, select

from mailbot.domain.model import OVER, TAKES_PART, Status
from mailbot.store.schema import participants, tickets

AFTER_CLOSING = timedelta(days=1)  # in which "thanks", "5" and "it is back" belong to the closed ticket


def load(connection: Connection, addresses: Collection[str], now: datetime) -> dict[str, str]:
    """Map identities that have such a ticket to its number."""
    found: dict[str, str] = {}
    for address in sorted(addresses):
        if row := connection.execute(_newest(address, now)).first():
            found[address] = row.number
    return found


def _newest(address: str, now: datetime) -> Select[Any]:
    is_open = tickets.c.status.not_in([each.value for each in OVER])
    just_closed = and_(tickets.c.status == Status.CLOSED.value, tickets.c.closed_at >= now - AFTER_CLOSING)
    return (
        select(tickets.c.number)
        .join(participants, participants.c.ticket == tickets.c.number)
        .where(participants.c.address == address, participants.c.role.in_(list(TAKES_PART)))
        .where(or_(is_open, just_closed))
        .order_by(tickets.c.opened_at.desc(), tickets.c.number)
        .limit(1)
    )
