"""What was written and sent on one ticket, in the order of its conversation."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, or_, select

from mailbot.domain.model import Direction, OutboxState
from mailbot.store.schema import frozen_mails, messages, outbox

TEXT_LIMIT = 20_000  # characters of one message
MESSAGES = 30


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail that we composed. `settled_at`: when the relay took it, None while nobody knows."""

    message_id: str
    kind: str
    settled_at: datetime | None
    content: bytes


def sent_to(
    connection: Connection, tickets: Collection[str], recipient: str, limit: int, nonces: Collection[str] = ()
) -> list[SentMail]:
    """Load our newest mails to this recipient about these tickets, and those with these nonces."""
    to_recipient = (outbox.c.recipient == recipient, outbox.c.state != OutboxState.SUPPRESSED)
    newest = select(outbox.c.id).where(outbox.c.ticket.in_(sorted(tickets)), *to_recipient)
    wanted: ColumnElement[bool] = outbox.c.id.in_(newest.order_by(outbox.c.id.desc()).limit(limit))
    if nonces:
        wanted = or_(wanted, outbox.c.nonce.in_(sorted(nonces)))
    columns = (*(outbox.c[name] for name in ("message_id", "kind", "settled_at")), frozen_mails.c.content)
    joined = outbox.join(frozen_mails, frozen_mails.c.nonce == outbox.c.nonce)
    rows = connection.execute(
        select(*columns).select_from(joined).where(wanted, *to_recipient).order_by(outbox.c.id.desc())
    )
    return [SentMail(**row._mapping) for row in rows]


def public_texts(connection: Connection, number: str) -> list[str]:
    """Load the newest texts that the customer wrote or received."""
    text = func.substr(messages.c.visible, 1, TEXT_LIMIT)
    public = messages.c.direction.in_((Direction.IN, Direction.OUT))
    query = select(text).where(messages.c.ticket == number, public).order_by(messages.c.id.desc())
    return list(connection.scalars(query.limit(MESSAGES)))


def message_ids(
    connection: Connection, tickets: Collection[str], customer: str, limit: int = 20
) -> tuple[str, ...]:
    """Return the Message-IDs of the conversation with the customer: the first and the newest, oldest first."""
    written = select(messages.c.message_id, messages.c.at.label("at")).where(
        messages.c.ticket.in_(sorted(tickets)),
        messages.c.direction == Direction.IN,
        messages.c.message_id != "",
    )
    sent = select(outbox.c.message_id, outbox.c.due_at.label("at")).where(
        outbox.c.ticket.in_(sorted(tickets)),
        # The acknowledgement may have gone to the return path.
        or_(outbox.c.recipient == customer, outbox.c.kind == "acknowledgement"),
        outbox.c.state != OutboxState.SUPPRESSED,
        outbox.c.message_id != "",
    )
    rows = [*connection.execute(written), *connection.execute(sent)]
    found = list(dict.fromkeys(row.message_id for row in sorted(rows, key=lambda row: row.at)))
    return tuple(found if len(found) <= limit else [found[0], *found[1 - limit :]])
