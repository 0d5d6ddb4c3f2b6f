"""One-tap links of notices: by which mail they were given, and which were used."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from mailbot.store.schema import outbox, taps


@dataclass(frozen=True, slots=True)
class Offer:
    """The notice that holds a link."""

    ticket: str
    recipient: str
    at: datetime


def load_offers(connection: Connection, nonces: Collection[str]) -> dict[str, Offer]:
    """Map each nonce to the mail of ours that has it."""
    columns = (outbox.c.ticket, outbox.c.recipient, outbox.c.requested_at)
    rows = connection.execute(select(outbox.c.nonce, *columns).where(outbox.c.nonce.in_(sorted(nonces))))
    return {row.nonce: Offer(row.ticket or "", row.recipient, row.requested_at) for row in rows}


def used_at(connection: Connection, nonce: str, code: str) -> datetime | None:
    """Return when a link was used. The ticket is locked, so no other node uses it now."""
    return connection.scalar(select(taps.c.at).where(taps.c.nonce == nonce, taps.c.code == code))


def mark_used(connection: Connection, nonce: str, code: str, at: datetime) -> None:
    connection.execute(insert(taps).values(nonce=nonce, code=code, at=at))


def remove_expired(connection: Connection, before: datetime) -> int:
    """Remove what was used before then, and return how many."""
    return connection.execute(delete(taps).where(taps.c.at < before)).rowcount
