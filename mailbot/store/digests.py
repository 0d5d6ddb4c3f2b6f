"""Notices that wait to go out together in one mail to an agent."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from mailbot.domain.model import NoticeKind
from mailbot.store.schema import digest_items


@dataclass(frozen=True, slots=True)
class DigestItem:
    """One notice to `agent`. `excerpt` is the beginning of the text that it would have shown."""

    agent: str
    ticket: str
    why: NoticeKind
    at: datetime
    excerpt: str


def add(connection: Connection, items: Sequence[DigestItem]) -> None:
    connection.execute(
        insert(digest_items), [{name: getattr(item, name) for name in _NAMES} for item in items]
    )


_NAMES = ("agent", "ticket", "why", "at", "excerpt")


def waiting_since(connection: Connection) -> dict[str, datetime]:
    """Return for each agent with collected notices the moment of the first."""
    query = select(digest_items.c.agent, func.min(digest_items.c.at).label("at"))
    return {row.agent: row.at for row in connection.execute(query.group_by(digest_items.c.agent))}


def take(connection: Connection, agents: Collection[str]) -> list[DigestItem]:
    """Remove the collected notices of these agents and return them, oldest first.

    Two nodes never take the same: a row that another node holds is left to it.
    """
    query = select(digest_items).where(digest_items.c.agent.in_(sorted(agents))).order_by(digest_items.c.id)
    rows = connection.execute(query.with_for_update(skip_locked=True)).all()
    if rows:
        connection.execute(delete(digest_items).where(digest_items.c.id.in_([row.id for row in rows])))
    return [DigestItem(row.agent, row.ticket, NoticeKind(row.why), row.at, row.excerpt) for row in rows]
