"""Messages of web forms that wait until their sender confirms the address."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from mailbot.domain.model import Envelope
from mailbot.store.schema import unconfirmed_posts


@dataclass(frozen=True, slots=True)
class UnconfirmedPost:
    """A row. `digest`: of the mailed link's key. `fingerprint`: of the message's mail.

    `sender` and `recipients`: the envelope that the mail then has. `content`: its bytes.
    """

    digest: str
    fingerprint: str
    address: str
    form: str
    sender: str
    recipients: Sequence[str]
    content: bytes
    received_at: datetime
    ends_at: datetime

    def envelope(self, now: datetime) -> Envelope:
        """Return the envelope of the mail, which counts as received when it is confirmed."""
        return Envelope(self.sender, tuple(self.recipients), "", now)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What admins see of a message that waits. `size`: bytes."""

    address: str
    form: str
    size: int
    received_at: datetime
    ends_at: datetime


def add(connection: Connection, item: UnconfirmedPost) -> None:
    """Add a message that waits."""
    row = asdict(item) | {"recipients": list(item.recipients)}
    connection.execute(insert(unconfirmed_posts).values(row))


def find(connection: Connection, digest: str, form: str, now: datetime) -> UnconfirmedPost | None:
    """Return the message whose link has this digest, of this form, while it waits."""
    row = connection.execute(select(unconfirmed_posts).where(*_waits(digest, form, now))).one_or_none()
    return UnconfirmedPost(**row._mapping) if row else None


def take(connection: Connection, digest: str, form: str, now: datetime) -> UnconfirmedPost | None:
    """Remove the message and return it. One statement decides: of two requests at the same time one gets it."""
    taking = delete(unconfirmed_posts).where(*_waits(digest, form, now)).returning(unconfirmed_posts)
    row = connection.execute(taking).one_or_none()
    return UnconfirmedPost(**row._mapping) if row else None


def _waits(digest: str, form: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    table = unconfirmed_posts.c
    return (table.digest == digest, table.form == form, table.ends_at > now)


def count(connection: Connection, now: datetime) -> int:
    """Count the messages that wait."""
    query = select(func.count()).select_from(unconfirmed_posts).where(unconfirmed_posts.c.ends_at > now)
    return connection.execute(query).scalar_one()


def list_waiting(connection: Connection, now: datetime, limit: int) -> list[Waiting]:
    """List the messages that wait, newest first."""
    table = unconfirmed_posts.c
    query = (
        select(
            table.address,
            table.form,
            func.length(table.content).label("size"),
            table.received_at,
            table.ends_at,
        )
        .where(table.ends_at > now)
        .order_by(table.received_at.desc(), table.digest)
        .limit(limit)
    )
    return [Waiting(**row._mapping) for row in connection.execute(query)]


def remove_expired(connection: Connection, now: datetime) -> int:
    """Remove messages that nobody confirmed in time."""
    return connection.execute(delete(unconfirmed_posts).where(unconfirmed_posts.c.ends_at <= now)).rowcount
