"""Mail of ours that did not arrive: which row a report names, what came back, has the ticket learned it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, exists, insert, or_, select, text, update

from mailbot.domain.replies.undeliverable import Returned, Sent
from mailbot.store.outbox import storable
from mailbot.store.schema import attempts, outbox

# As literal text, so that a planner sees the condition of the partial index.
_UNTOLD = text("outbox.state = 'failed' AND (outbox.told_at IS NULL OR outbox.told_at < outbox.settled_at)")


def _told() -> ColumnElement[bool]:
    """Has this ticket learned before that mail for this recipient fails?"""
    other = outbox.alias()
    return exists(
        select(other.c.id).where(
            other.c.ticket == outbox.c.ticket,
            other.c.recipient == outbox.c.recipient,
            other.c.told_at.is_not(None),
        )
    )


_SENT = ("id", "ticket", "kind", "why", "recipient", "state")


def _sent_of(row: Any) -> Sent:
    return Sent(**{name: getattr(row, name) for name in _SENT}, told=bool(row.told))


def sent(connection: Connection, nonces: Collection[str]) -> dict[str, Sent]:
    """Nonce -> the mail that was sent with it, where there is one."""
    if not nonces:
        return {}
    columns = [outbox.c[name] for name in _SENT]
    rows = connection.execute(
        select(outbox.c.nonce, *columns, _told().label("told")).where(outbox.c.nonce.in_(sorted(nonces)))
    )
    return {row.nonce: _sent_of(row) for row in rows}


@dataclass(frozen=True, slots=True)
class CameBack:
    """A report about a mail, handled by `node`. `told_at`: its ticket learns it in this transaction."""

    returned: Returned
    node: str
    told_at: datetime


_FAIL = (
    update(outbox)
    .where(outbox.c.id == bindparam("b_id"), outbox.c.state.not_in(("failed", "suppressed")))
    .values(
        # Whoever still holds it finds it taken away: it has left, as the report shows.
        state="failed",
        claimed_by=None,
        settled_at=bindparam("b_at"),
        reply=bindparam("b_reply"),
    )
)


def come_back(connection: Connection, items: Sequence[CameBack]) -> None:
    """Marks mails as failed where the report says so, an attempt each; all of them as told."""
    # In one order everywhere, so that two nodes never wait for each other.
    failed = sorted((item for item in items if item.returned.failed), key=lambda item: item.returned.id)
    if failed:
        connection.execute(
            _FAIL,
            [{"b_id": each.returned.id, "b_at": each.told_at, "b_reply": _reply(each)} for each in failed],
        )
    if items:
        connection.execute(insert(attempts), [_attempt(item) for item in items])
        tell(connection, [item.returned.id for item in items], max(item.told_at for item in items))


def _attempt(item: CameBack) -> dict[str, object]:
    return {
        "outbox_id": item.returned.id,
        "at": item.told_at,
        "node": item.node,
        "outcome": "bounced" if item.returned.failed else "complained",
        "reply": _reply(item),
    }


def _reply(item: CameBack) -> str:
    status, said = item.returned.status, item.returned.diagnostic
    return storable(said if status and said.startswith(status) else f"{status} {said}".strip())


@dataclass(frozen=True, slots=True)
class Failed:
    """A mail that was given up, of which its ticket knows nothing yet."""

    sent: Sent
    code: int | None
    reply: str


def untold(connection: Connection, limit: int, among: Collection[int] = ()) -> list[Failed]:
    """The oldest of them; only those of `among` when it is given."""
    columns = [outbox.c[name] for name in (*_SENT, "code", "reply")]
    query = select(*columns, _told().label("told")).where(_UNTOLD).order_by(outbox.c.id).limit(limit)
    if among:
        query = query.where(outbox.c.id.in_(sorted(among)))
    return [Failed(_sent_of(row), row.code, row.reply or "") for row in connection.execute(query)]


def tell(connection: Connection, ids: Collection[int], at: datetime) -> None:
    """Notes that the tickets of these mails have learned what became of them."""
    if ids:
        newer = or_(outbox.c.settled_at.is_(None), outbox.c.settled_at <= at)
        connection.execute(update(outbox).where(outbox.c.id.in_(sorted(ids)), newer).values(told_at=at))
