"""Our mail that did not arrive: which row a report names, what came back, whether the ticket knows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, exists, insert, or_, select, text, update

from mailbot.domain.model import AttemptOutcome, OutboxState
from mailbot.domain.replies.undeliverable import Returned, Sent
from mailbot.store.outbox import storable
from mailbot.store.schema import attempts, outbox

# As literal text, so that a planner sees the condition of the partial index.
UNREPORTED = text(
    "outbox.state = 'failed' AND (outbox.reported_at IS NULL OR outbox.reported_at < outbox.settled_at)"
)


def _is_reported() -> ColumnElement[bool]:
    """Select whether this ticket knows already that mail for this recipient fails."""
    other = outbox.alias()
    return exists(
        select(other.c.id).where(
            other.c.ticket == outbox.c.ticket,
            other.c.recipient == outbox.c.recipient,
            other.c.reported_at.is_not(None),
        )
    )


_SENT = ("id", "ticket", "kind", "why", "recipient", "state")


def _sent_of(row: Any) -> Sent:
    return Sent(**{name: getattr(row, name) for name in _SENT}, told=bool(row.told))


def load_sent(connection: Connection, nonces: Collection[str]) -> dict[str, Sent]:
    """Map each nonce to the mail that was sent with it, where there is one."""
    if not nonces:
        return {}
    columns = [outbox.c[name] for name in _SENT]
    query = select(outbox.c.nonce, *columns, _is_reported().label("told"))
    rows = connection.execute(query.where(outbox.c.nonce.in_(sorted(nonces))))
    return {row.nonce: _sent_of(row) for row in rows}


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """A report about a mail, handled by `node`. `reported_at`: its ticket learns it in this transaction."""

    returned: Returned
    node: str
    reported_at: datetime


_FAIL = (
    update(outbox)
    .where(
        outbox.c.id == bindparam("b_id"), outbox.c.state.not_in((OutboxState.FAILED, OutboxState.SUPPRESSED))
    )
    .values(
        # A node that still holds it loses it: it was sent, as the report shows.
        state=OutboxState.FAILED,
        claimed_by=None,
        claimed_at=None,
        settled_at=bindparam("b_at"),
        reply=bindparam("b_reply"),
    )
)


def record_reports(connection: Connection, items: Sequence[DeliveryReport]) -> None:
    """Mark mails as failed where the report is about a failure, with an attempt each, and all as reported."""
    # In one order everywhere, so that two nodes never wait for each other.
    failed = sorted((item for item in items if item.returned.failed), key=lambda item: item.returned.id)
    if failed:
        rows = [
            {"b_id": item.returned.id, "b_at": item.reported_at, "b_reply": _reply(item)} for item in failed
        ]
        connection.execute(_FAIL, rows)
    if items:
        connection.execute(insert(attempts), [_attempt(item) for item in items])
        newest = max(item.reported_at for item in items)
        mark_reported(connection, [item.returned.id for item in items], newest)


def _attempt(item: DeliveryReport) -> dict[str, object]:
    return {
        "outbox_id": item.returned.id,
        "at": item.reported_at,
        "node": item.node,
        "outcome": AttemptOutcome.BOUNCED if item.returned.failed else AttemptOutcome.COMPLAINED,
        "reply": _reply(item),
    }


def _reply(item: DeliveryReport) -> str:
    status, said = item.returned.status, item.returned.diagnostic
    return storable(said if status and said.startswith(status) else f"{status} {said}".strip())


@dataclass(frozen=True, slots=True)
class UnreportedMail:
    """A mail that was given up, of which its ticket knows nothing yet."""

    sent: Sent
    code: int | None
    reply: str


def unreported(connection: Connection, limit: int, among: Collection[int] = ()) -> list[UnreportedMail]:
    """List the oldest failures that no ticket knows of; only those of `among` when it is given."""
    columns = [outbox.c[name] for name in (*_SENT, "code", "reply")]
    query = select(*columns, _is_reported().label("told")).where(UNREPORTED)
    query = query.order_by(outbox.c.id).limit(limit)
    if among:
        query = query.where(outbox.c.id.in_(sorted(among)))
    return [UnreportedMail(_sent_of(row), row.code, row.reply or "") for row in connection.execute(query)]


def mark_reported(connection: Connection, ids: Collection[int], at: datetime) -> None:
    """Record that the tickets of these mails know of their failure."""
    if ids:
        newer = or_(outbox.c.settled_at.is_(None), outbox.c.settled_at <= at)
        connection.execute(update(outbox).where(outbox.c.id.in_(sorted(ids)), newer).values(reported_at=at))
