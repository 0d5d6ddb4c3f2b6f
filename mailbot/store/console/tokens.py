"""Tokens of programs. The program keeps a secret, the store its digest."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from mailbot.store.schema import api_tokens

PREFIX = "mb_"  # so that scanners of repositories find a token that got lost
USED_EVERY = timedelta(minutes=5)  # `used_at` is not written more often


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that is to be added. `address`: in whose name it acts. `verbs`, `teams`: see `TokenScope`."""

    digest: str
    name: str
    address: str
    verbs: tuple[str, ...]
    teams: tuple[str, ...]
    created_at: datetime
    created_by: str
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Token:
    """A row, without its digest."""

    id: int
    name: str
    address: str
    verbs: Sequence[str]
    teams: Sequence[str]
    created_at: datetime
    created_by: str
    ends_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None

    def state(self, now: datetime) -> str:
        """Return active, expired or revoked."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.ends_at and self.ends_at <= now else "active"


def add(connection: Connection, items: Sequence[NewToken]) -> list[int]:
    """Add tokens and return their ids: a write operation of the store."""
    return [
        connection.execute(insert(api_tokens).values(_row(item)).returning(api_tokens.c.id)).scalar_one()
        for item in items
    ]


def _row(item: NewToken) -> dict[str, object]:
    values = {each.name: getattr(item, each.name) for each in fields(item)}
    return {**values, "verbs": list(item.verbs), "teams": list(item.teams)}


_COLUMNS = tuple(api_tokens.c[each.name] for each in fields(Token))


def find(connection: Connection, digest: str) -> Token | None:
    """Return the token with this digest, also one that is over."""
    row = connection.execute(select(*_COLUMNS).where(api_tokens.c.digest == digest)).one_or_none()
    return Token(**row._mapping) if row else None


def list_tokens(connection: Connection) -> list[Token]:
    """List all tokens that ever were, the oldest first."""
    rows = connection.execute(select(*_COLUMNS).order_by(api_tokens.c.id))
    return [Token(**row._mapping) for row in rows]


def mark_used(connection: Connection, items: Sequence[tuple[int, datetime]]) -> list[None]:
    """Record when tokens were last used: (id, moment)."""
    for token, now in items:
        connection.execute(update(api_tokens).where(api_tokens.c.id == token).values(used_at=now))
    return [None] * len(items)


def revoke(connection: Connection, items: Sequence[tuple[int, datetime]]) -> list[bool]:
    """Revoke tokens: (id, moment). Return which of them were in force until now."""
    return [
        connection.execute(
            update(api_tokens)
            .where(api_tokens.c.id == token, api_tokens.c.revoked_at.is_(None))
            .values(revoked_at=now)
        ).rowcount
        == 1
        for token, now in items
    ]
