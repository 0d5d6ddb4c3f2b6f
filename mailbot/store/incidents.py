"""Incidents, the complaints that belong to them, and what new complaints are compared with."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, text, update

from mailbot.domain import reasons
from mailbot.domain.events import (
    ActUndone,
    CustomerWrote,
    Event,
    IncidentJoined,
    IncidentOpened,
    IncidentResolved,
)
from mailbot.domain.model import OVER, Direction, OutboxState, Ticket
from mailbot.domain.notices import Closing, TeamNotice
from mailbot.store.codec import event_of, reason_text
from mailbot.store.schema import digest_items, events, incidents, messages, outbox, tickets

LOCK = 8_001  # the advisory lock under which incidents are opened
READ = 2_000  # characters of a complaint's text
_LIVE = tickets.c.status.not_in([status.value for status in OVER])


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident that is not done: its complaints may grow, or are being answered."""

    number: str
    mailbox: str
    category: str
    words: frozenset[str]
    opened_at: datetime
    reported_at: datetime
    reported: int
    resolved_at: datetime | None


def record(connection: Connection, ticket: Ticket, event: Event) -> None:
    """Keep what an event of an incident changes in the table."""
    match event:
        case IncidentOpened(at=at, words=words, count=count):
            row = {"ticket": ticket.number, "mailbox": ticket.mailbox, "category": ticket.category}
            moments = {"opened_at": at, "reported_at": at, "reported": count, "words": list(words)}
            connection.execute(insert(incidents), {**row, **moments})
        case IncidentResolved(at=at):
            connection.execute(
                update(incidents).where(incidents.c.ticket == ticket.number).values(resolved_at=at)
            )
        case ActUndone() if ticket.is_incident and ticket.status not in OVER:
            mine = (incidents.c.ticket == ticket.number, incidents.c.done_at.is_(None))
            connection.execute(update(incidents).where(*mine).values(resolved_at=None))


def not_done(connection: Connection) -> list[Incident]:
    """Load the incidents that are not done, in the order in which they began."""
    query = select(incidents).where(text("done_at IS NULL")).order_by(incidents.c.opened_at)
    return [
        Incident(
            row.ticket,
            row.mailbox,
            row.category,
            frozenset(row.words),
            row.opened_at,
            row.reported_at,
            row.reported,
            row.resolved_at,
        )
        for row in connection.execute(query)
    ]


def lock(connection: Connection) -> None:
    """Let nobody else open an incident until this transaction ends: the first one is seen by the second."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(LOCK)))


def add_words(connection: Connection, number: str, words: Collection[str]) -> None:
    """Let complaints with these words join, too."""
    known = connection.scalar(select(incidents.c.words).where(incidents.c.ticket == number)) or []
    connection.execute(
        update(incidents)
        .where(incidents.c.ticket == number)
        .values(words=list(dict.fromkeys((*known, *sorted(words)))))
    )


def mark_done(connection: Connection, number: str, at: datetime) -> None:
    connection.execute(update(incidents).where(incidents.c.ticket == number).values(done_at=at))


def mark_reported(connection: Connection, number: str, at: datetime, count: int) -> None:
    values = {"reported_at": at, "reported": count}
    connection.execute(update(incidents).where(incidents.c.ticket == number).values(values))


# --- complaints -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket that a mail opened, with the beginning of that mail."""

    number: str
    mailbox: str
    category: str
    priority: str
    urgency: str
    tags: tuple[str, ...]
    person: str
    opened_at: datetime
    incident: str | None
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A ticket by number, when it was opened, and the incident that it is a complaint of."""

    number: str
    opened_at: datetime
    incident: str | None


def opened_since(
    connection: Connection, mailboxes: Collection[str], since: datetime, limit: int
) -> list[Opened]:
    """List the newest tickets that were opened in these mailboxes since then, oldest first."""
    query = (
        select(tickets.c.number, tickets.c.opened_at, tickets.c.incident)
        .where(
            tickets.c.status.in_(["new", "open", "waiting", "closed"]),  # the index begins with the status
            tickets.c.opened_at >= since,
            tickets.c.mailbox.in_(sorted(mailboxes)),
        )
        .order_by(tickets.c.opened_at.desc())
        .limit(limit)
    )
    return [Opened(*row) for row in reversed(connection.execute(query).all())]


def load_new(connection: Connection, numbers: Sequence[str]) -> list[NewTicket]:
    """Load these tickets, oldest first, with the mails that opened them. Without such a mail one is left out."""
    names = [name for name in NewTicket.__dataclass_fields__ if name not in ("text", "tags")]
    query = (
        select(
            *(tickets.c[name] for name in names),
            tickets.c.tags,
            func.substr(messages.c.visible, 1, READ).label("text"),
        )
        .join(messages, messages.c.ticket == tickets.c.number)
        .where(
            tickets.c.number.in_(numbers),
            messages.c.direction == Direction.IN,
            messages.c.at <= tickets.c.opened_at,
        )
        .order_by(tickets.c.opened_at)
    )
    return [NewTicket(**{**row._mapping, "tags": tuple(row.tags)}) for row in connection.execute(query)]


def people_of(connection: Connection, number: str) -> set[str]:
    """Return the customers of an incident's complaints, each in one spelling."""
    query = select(tickets.c.person).where(tickets.c.incident == number, tickets.c.number != number)
    return set(connection.scalars(query))


def count(connection: Connection, number: str) -> int:
    """Count the complaints of an incident, those that are closed too."""
    query = select(func.count()).select_from(tickets)
    found = connection.scalar(query.where(tickets.c.incident == number, tickets.c.number != number))
    return found or 0


def live(connection: Connection, number: str, people: int, without: Collection[str]) -> list[str]:
    """Return the open complaints of an incident but `without`, of so many people at most."""
    mine = (tickets.c.incident == number, tickets.c.number.not_in([number, *without]), _LIVE)
    chosen = select(tickets.c.person).where(*mine).distinct().order_by(tickets.c.person).limit(people)
    query = select(tickets.c.number).where(*mine, tickets.c.person.in_(chosen.scalar_subquery()))
    return list(connection.scalars(query))


def ever_joined(connection: Connection, numbers: Collection[str]) -> set[str]:
    """Return which of these tickets have been in an incident: a person may have taken them out."""
    query = select(events.c.ticket).where(events.c.ticket.in_(numbers), events.c.kind == IncidentJoined.kind)
    return set(connection.scalars(query.distinct())) if numbers else set()


def wrote_again(connection: Connection, number: str, since: datetime) -> list[str]:
    """Return the complaints on which the customer wrote again since then, the first of them first."""
    query = (
        select(events.c.ticket)
        .join(tickets, tickets.c.number == events.c.ticket)
        .where(
            tickets.c.incident == number,
            tickets.c.number != number,
            events.c.kind == CustomerWrote.kind,
            events.c.at > since,
        )
        .order_by(events.c.at)
    )
    return list(dict.fromkeys(connection.scalars(query)))


def answered_people(connection: Connection, number: str, people: Collection[str]) -> dict[str, str]:
    """Map who of these people got the text that ended the incident to the ticket that it went out on."""
    query = (
        select(tickets.c.person, tickets.c.number)
        .join(outbox, outbox.c.ticket == tickets.c.number)
        .where(
            tickets.c.incident == number,
            tickets.c.person.in_(sorted(people)),
            outbox.c.kind == Closing.name,
            outbox.c.state != OutboxState.SUPPRESSED,
        )
    )
    return {row.person: row.number for row in connection.execute(query)}


def resolution(connection: Connection, number: str) -> IncidentResolved | None:
    """Load who resolved the incident, and with what text; the newest time."""
    mine = (events.c.ticket == number, events.c.kind == IncidentResolved.kind)
    row = connection.execute(select(events).where(*mine).order_by(events.c.seq.desc()).limit(1)).one_or_none()
    found = event_of(row.kind, row.at, row.by, row.data) if row else None
    return found if isinstance(found, IncidentResolved) else None


def withhold_notices(connection: Connection, numbers: Sequence[str], incident: str, at: datetime) -> None:
    """Take back the notices of these tickets that wait: their people get the incident's page."""
    reason = reason_text(reasons.of("joined_incident", incident=incident))
    waiting: tuple[Any, ...] = (outbox.c.kind == TeamNotice.name, outbox.c.state == OutboxState.DUE)
    connection.execute(
        update(outbox)
        .where(outbox.c.ticket == bindparam("b_ticket"), *waiting)
        .values(state=OutboxState.SUPPRESSED, reason=reason, settled_at=at),
        [{"b_ticket": number} for number in numbers],
    )
    connection.execute(delete(digest_items).where(digest_items.c.ticket.in_(numbers)))


def open_count(connection: Connection) -> int:
    """Count the incidents that nobody has resolved."""
    query = select(func.count()).select_from(incidents).where(text("done_at IS NULL"))
    return connection.scalar(query.where(incidents.c.resolved_at.is_(None))) or 0
