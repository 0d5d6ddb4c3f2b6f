"""Drafts of answers and notes: what an agent has begun to write on a ticket and not sent."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, delete, select

from mailbot.domain.model import Direction
from mailbot.store.console import presence
from mailbot.store.console.presence import Seen
from mailbot.store.database.prepared import replacing
from mailbot.store.schema import drafts, messages, tickets

LONGEST = 50_000  # characters
MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class Draft:
    """A row. `agent`: the address of who writes; `note`: it is for colleagues."""

    ticket: str
    agent: str
    note: bool
    text: str
    at: datetime


_NAMES = tuple(each.name for each in fields(Draft))
_SAVE = replacing(drafts, _NAMES, "ticket", "agent", "note")


def save(connection: Connection, items: Sequence[Draft]) -> list[None]:
    """Keep drafts in place of those before, and that their authors write.

    Without text, or with the text that was just sent, there is none.
    """
    for item in items:
        if item.text.strip() and not _was_sent(connection, item):
            presence.report(connection, [Seen(item.ticket, item.agent, item.at, wrote=True)])
            _SAVE.run(connection, [{name: getattr(item, name) for name in _NAMES}])
        else:
            remove(connection, item.ticket, item.agent, note=item.note)
    return [None] * len(items)


def _was_sent(connection: Connection, draft: Draft) -> bool:
    """Check whether the text is on the ticket already: the page saved it while it was being sent."""
    query = select(messages.c.visible).where(
        messages.c.ticket == draft.ticket,
        messages.c.author == draft.agent,
        messages.c.direction == (Direction.NOTE if draft.note else Direction.OUT),
    )
    newest = connection.scalar(query.order_by(messages.c.id.desc()).limit(1))
    return newest is not None and newest.strip() == draft.text.strip()


def remove(connection: Connection, ticket: str, agent: str, *, note: bool) -> None:
    """Remove a draft: it was sent, or is empty."""
    wanted = (drafts.c.ticket == ticket, drafts.c.agent == agent, drafts.c.note == note)
    connection.execute(delete(drafts).where(*wanted))


def on_ticket(connection: Connection, ticket: str, agent: str) -> dict[bool, Draft]:
    """Load what an agent has begun on a ticket: the answer under False, the note under True."""
    query = select(drafts).where(drafts.c.ticket == ticket, drafts.c.agent == agent)
    return {row.note: Draft(**row._mapping) for row in connection.execute(query)}


@dataclass(frozen=True, slots=True)
class ListedDraft:
    """A draft in the list of its agent, with the subject of its ticket."""

    ticket: str
    subject: str
    note: bool
    text: str
    at: datetime


def of_agent(connection: Connection, agent: str, limit: int = MOST_LISTED) -> list[ListedDraft]:
    """List what an agent has begun on any ticket, newest first."""
    columns = (drafts.c.ticket, tickets.c.subject, drafts.c.note, drafts.c.text, drafts.c.at)
    joined = drafts.join(tickets, tickets.c.number == drafts.c.ticket)
    query = select(*columns).select_from(joined).where(drafts.c.agent == agent)
    rows = connection.execute(query.order_by(drafts.c.at.desc(), drafts.c.ticket, drafts.c.note).limit(limit))
    return [ListedDraft(**row._mapping) for row in rows]
