"""Notices that wait for what a customer writes next: a newer one tells of it all."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, update

from mailbot.domain import reasons
from mailbot.domain.model import NoticeKind, OutboxState
from mailbot.domain.notices import TeamNotice
from mailbot.store.codec import reason_text
from mailbot.store.schema import outbox


def withhold(connection: Connection, numbers: Collection[str], now: datetime) -> dict[str, datetime]:
    """Take back the notices of what was written on these tickets that wait. Map tickets to when the first would leave.

    Whoever has the ticket no more needs none.
    """
    waiting = (
        outbox.c.kind == TeamNotice.name,
        outbox.c.why == NoticeKind.CUSTOMER_WROTE,
        outbox.c.state == OutboxState.DUE,
        outbox.c.due_at > now,
    )
    taking = (
        update(outbox)
        .where(outbox.c.ticket.in_(sorted(numbers)), *waiting)
        .values(state=OutboxState.SUPPRESSED, reason=reason_text(reasons.of("told_later")), settled_at=now)
        .returning(outbox.c.ticket, outbox.c.due_at)
    )
    rows = sorted(connection.execute(taking), key=lambda row: row.due_at, reverse=True)
    return {row.ticket: row.due_at for row in rows}  # the earliest stays
