"""The secrets that sign reply addresses, Message-IDs and one-tap links: the one that signs now, former ones, the next.

Theory of operation. One row of `installation` holds them, a line each: hexadecimal, from when it signs, until when it
verifies. A new one verifies at once and signs only after LEAD, when every node has read it. So a reply to any
node's mail is recognised by all.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from mailbot.store.engine import or_skip
from mailbot.store.schema import EPOCH, installation
from mailbot.store.service.nodes import database_time

LEAD = timedelta(minutes=2)  # longer than a living node goes without reading (workers.signing_keys)
_KEY = "secret"
_ELSEWHERE = "secret_elsewhere"


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret. `until` None: it verifies until another one is made."""

    value: bytes = field(repr=False)
    signs_from: datetime = EPOCH
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredSecrets:
    """The secrets that still count, oldest first, and the database's time at which they do.

    `elsewhere`: the fingerprint of the secret that daemons sign by, where it is in their environment.
    """

    secrets: tuple[Secret, ...]
    at: datetime
    elsewhere: str = ""

    @property
    def signing(self) -> Secret:
        """Return the newest one whose time has come."""
        return [each for each in self.secrets if each.signs_from <= self.at][-1]


@dataclass(frozen=True, slots=True)
class Rotation:
    """A wish for a new secret. `keep`: how long the present one still verifies after its last signature."""

    keep: timedelta


def create(connection: Connection, items: Sequence[str | None]) -> list[StoredSecrets]:
    """Load the secrets for daemons that start; the first one of an installation makes one.

    `items`: the fingerprint of the secret in the daemon's environment, if it has one. Commands in a shell need to know.
    """
    fresh = {"key": _KEY, "value": secrets.token_hex(32)}
    connection.execute(or_skip(connection, installation), [fresh])
    connection.execute(delete(installation).where(installation.c.key == _ELSEWHERE))
    if items[-1]:
        connection.execute(insert(installation), [{"key": _ELSEWHERE, "value": items[-1]}])
    found = load(connection)
    assert found
    return [found] * len(items)


def load(connection: Connection) -> StoredSecrets | None:
    """Load the secrets that still count; None before the first daemon made one."""
    query = select(installation).where(installation.c.key.in_((_KEY, _ELSEWHERE)))
    rows = {row.key: row.value for row in connection.execute(query)}
    if _KEY not in rows:
        return None
    return replace(_valid(rows[_KEY], database_time(connection)), elsewhere=rows.get(_ELSEWHERE, ""))


def rotate(connection: Connection, items: Sequence[Rotation]) -> list[StoredSecrets | None]:
    """Add a secret that signs after LEAD, and forget those that are over. None without a secret to replace."""
    return [_rotate(connection, item) for item in items]


def _rotate(connection: Connection, wish: Rotation) -> StoredSecrets | None:
    row = select(installation.c.value).where(installation.c.key == _KEY).with_for_update()
    text = connection.scalar(row)
    if not text:
        return None
    found = _valid(text, database_time(connection))
    signs_from = found.at + LEAD
    last = signs_from + wish.keep
    kept = [replace(each, until=min(each.until or last, last)) for each in found.secrets]
    fresh = Secret(secrets.token_bytes(32), signs_from)
    value = "\n".join(_line(each) for each in (*kept, fresh))
    connection.execute(update(installation).where(installation.c.key == _KEY).values(value=value))
    return StoredSecrets((*kept, fresh), found.at)


def _valid(text: str, at: datetime) -> StoredSecrets:
    parsed = [_parse(line) for line in text.splitlines()]
    return StoredSecrets(tuple(each for each in parsed if each.until is None or each.until > at), at)


def _parse(line: str) -> Secret:
    value, *times = line.split()
    signs_from, until, *_ = (*map(datetime.fromisoformat, times), None, None)
    return Secret(bytes.fromhex(value), signs_from or EPOCH, until)


def _line(secret: Secret) -> str:
    until = secret.until.isoformat() if secret.until else ""
    return f"{secret.value.hex()} {secret.signs_from.isoformat()} {until}".strip()


def fingerprint(secret: bytes) -> str:
    """Return what names a secret to people and tells nothing about it."""
    return hashlib.sha256(b"mailbot secret\0" + secret).hexdigest()[:8]
