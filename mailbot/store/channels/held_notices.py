"""Notices that wait for what a customer writes next: a newer one tells of it all."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, tuple_, update

from mailbot.domain import reasons
from mailbot.domain.model import NoticeKind, OutboxState
from mailbot.domain.notices import TeamNotice
from mailbot.store.codec import reason_text
from mailbot.store.schema import outbox

Place = tuple[str, str]  # a ticket and who is notified of it


def withhold(connection: Connection, places: Collection[Place], now: datetime) -> dict[Place, datetime]:
    """Take back notices of what customers wrote that did not leave yet. Return when they would have left."""
    waiting = (
        outbox.c.kind == TeamNotice.name,
        outbox.c.why == NoticeKind.CUSTOMER_WROTE,
        outbox.c.state == OutboxState.DUE,
        outbox.c.due_at > now,
    )
    taking = (
        update(outbox)
        .where(tuple_(outbox.c.ticket, outbox.c.recipient).in_(sorted(places)), *waiting)
        .values(state=OutboxState.SUPPRESSED, reason=reason_text(reasons.of("told_later")), settled_at=now)
        .returning(outbox.c.ticket, outbox.c.recipient, outbox.c.due_at)
    )
    return {(row.ticket, row.recipient): row.due_at for row in connection.execute(taking)}
