"""Legal holds: tickets that no retention may touch, and all that was ever filed on them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select, text

from mailbot.domain.actor import Actor
from mailbot.store.codec import actor_of
from mailbot.store.engine import or_replace
from mailbot.store.lists.ticket_rows import family
from mailbot.store.schema import legal_holds, messages, tickets


@dataclass(frozen=True, slots=True)
class LegalHold:
    ticket: str
    at: datetime
    by: Actor
    reason: str


def place(connection: Connection, number: str, at: datetime, by: Actor, reason: str) -> None:
    """Hold a ticket and all that were merged into it, so that an unmerge frees nothing."""
    rows = [
        {"ticket": each, "at": at, "by": str(by), "reason": reason} for each in family(connection, number)
    ]
    connection.execute(or_replace(connection, legal_holds, "ticket"), rows)


def release(connection: Connection, number: str) -> bool:
    """Release a ticket and all that were merged into it. False: there was no hold."""
    those = legal_holds.c.ticket.in_(family(connection, number))
    return connection.execute(delete(legal_holds).where(those)).rowcount > 0


def find(connection: Connection, number: str) -> LegalHold | None:
    """Return the hold that was placed on this ticket itself."""
    row = connection.execute(select(legal_holds).where(legal_holds.c.ticket == number)).one_or_none()
    return LegalHold(row.ticket, row.at, actor_of(row.by), row.reason) if row else None


# As literal text: a planner can't match a bound parameter with the condition of a partial index.
_MOVED = text("messages.home <> messages.ticket")


def held_numbers(connection: Connection) -> set[str]:
    """Return every ticket that a hold reaches.

    A hold reaches the tickets merged into it and its target, the complaints of its incident, and every ticket that
    a message of it was moved to.
    """
    found: set[str] = set()
    newest = set(connection.scalars(select(legal_holds.c.ticket)))
    while newest:
        found |= newest
        newest = _reached(connection, sorted(newest)) - found
    return found


def _reached(connection: Connection, numbers: Collection[str]) -> set[str]:
    merged = select(tickets.c.merged_into).where(tickets.c.number.in_(numbers))
    targets = {each for each in connection.scalars(merged) if each}
    complaints = connection.scalars(select(tickets.c.number).where(tickets.c.incident.in_(numbers)))
    moved = select(messages.c.ticket).where(messages.c.home.in_(numbers), _MOVED)
    members = {each for number in numbers for each in family(connection, number)}
    return targets | set(complaints) | set(connection.scalars(moved)) | members
