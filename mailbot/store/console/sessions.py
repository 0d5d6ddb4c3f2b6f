"""Sessions of people who are logged in. The browser keeps a secret, the store its digest."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update

from mailbot.store.schema import sessions

LASTS = timedelta(hours=12)  # a working day: then the next log-in
SEEN_EVERY = timedelta(minutes=5)  # a session's `seen_at` is not written more often


@dataclass(frozen=True, slots=True)
class Session:
    """A row. `way`: how the person logged in: link, proxy or oidc."""

    digest: str
    address: str
    way: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime


def digest_of(secret: str) -> str:
    """Return what the store keeps of a secret. The secrets are random: a plain hash can't be guessed back."""
    return hashlib.sha256(secret.encode()).hexdigest()


def begin(secret: str, address: str, way: str, now: datetime) -> Session:
    """Return a session that begins now."""
    return Session(digest_of(secret), address, way, now, now, now + LASTS)


def add(connection: Connection, items: Sequence[Session]) -> list[None]:
    """Add sessions: a write operation of the store."""
    connection.execute(insert(sessions), [{name: getattr(item, name) for name in _NAMES} for item in items])
    return [None] * len(items)


def find(connection: Connection, digest: str, now: datetime) -> Session | None:
    """Return the session that has this digest, None where it is over."""
    query = select(sessions).where(sessions.c.digest == digest, sessions.c.ends_at > now)
    row = connection.execute(query).one_or_none()
    return Session(**row._mapping) if row else None


def list_of(connection: Connection, address: str, now: datetime) -> list[Session]:
    """Return a person's sessions, of everybody for "", the one that was used last first."""
    query = select(sessions).where(sessions.c.ends_at > now).order_by(sessions.c.seen_at.desc())
    if address:
        query = query.where(sessions.c.address == address)
    return [Session(**row._mapping) for row in connection.execute(query)]


def mark_seen(connection: Connection, items: Sequence[tuple[str, datetime]]) -> list[None]:
    """Record when sessions were last used: (digest, moment)."""
    for digest, now in items:
        connection.execute(update(sessions).where(sessions.c.digest == digest).values(seen_at=now))
    return [None] * len(items)


def end(connection: Connection, digests: Sequence[str]) -> list[None]:
    """End sessions by digest."""
    connection.execute(delete(sessions).where(sessions.c.digest.in_(sorted(digests))))
    return [None] * len(digests)


def end_of_address(connection: Connection, addresses: Sequence[str]) -> list[int]:
    """End all sessions of these people, and return how many each had."""
    return [
        connection.execute(delete(sessions).where(sessions.c.address == address)).rowcount
        for address in addresses
    ]


def count_people(connection: Connection, now: datetime) -> int:
    """Count who is logged in."""
    query = select(func.count(sessions.c.address.distinct())).where(sessions.c.ends_at > now)
    return connection.scalar(query) or 0


def remove_expired(connection: Connection, now: datetime) -> int:
    """Remove sessions that are over."""
    return connection.execute(delete(sessions).where(sessions.c.ends_at <= now)).rowcount


_NAMES = tuple(each.name for each in fields(Session))
