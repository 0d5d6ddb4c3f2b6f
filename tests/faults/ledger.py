"""The books after a run: what every mail, ticket and row must have come to, whatever went wrong."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.parser import BytesHeaderParser
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, select

from mailbot.domain import reasons
from mailbot.domain.model import OutboxState
from mailbot.domain.notices import Acknowledgement
from mailbot.store.codec import reason_text
from mailbot.store.schema import (
    channel_events,
    deadlines,
    events,
    inbox,
    messages,
    nodes,
    outbox,
    raw_mails,
    tickets,
)
from tests.faults.relay import Arrived

FINAL = (OutboxState.SENT, OutboxState.FAILED, OutboxState.SUPPRESSED)
STEPS = ("step_taken",)
TOLD_LATER = reason_text(reasons.of("told_later"))
SOON = timedelta(hours=1)  # a step that comes within that belongs to the script
Counts = dict[str, Counter[tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Books:
    """All rows of the tables that promises are about."""

    inbox: list[Any]
    tickets: list[Any]
    messages: list[Any]
    events: list[Any]
    deadlines: list[Any]
    outbox: list[Any]
    nodes: list[Any]
    channel_events: list[Any]

    @property
    def counts(self) -> Counts:
        """Return what must be as many as in a run without a fault."""
        customer = {row.number: row.customer for row in self.tickets}
        return {
            "tickets": Counter((row.customer, row.status, row.level) for row in self.tickets),
            "messages": Counter((customer[row.ticket], row.direction, row.author) for row in self.messages),
            "events": Counter((customer[row.ticket], row.kind) for row in self.events),
            "mails": Counter((row.recipient, row.kind, _end(row)) for row in self.outbox),
        }


def _end(row: Any) -> str:
    """Return how a mail ended. Trouble may hold a notice until the next one tells of it, too."""
    return OutboxState.SENT if row.reason == TOLD_LATER else row.state


def read(connection: Connection) -> Books:
    def all_of(query: Select[Any]) -> list[Any]:
        return list(connection.execute(query))

    mails = select(inbox, raw_mails.c.content).join(raw_mails, raw_mails.c.inbox_id == inbox.c.id)
    return Books(all_of(mails), *(all_of(select(table)) for table in _TABLES))


_TABLES = (tickets, messages, events, deadlines, outbox, nodes, channel_events)


def pending(connection: Connection, now: datetime) -> bool:
    """Return whether something is still to be handled, sent, reported or done soon."""
    new = select(inbox.c.id).where(inbox.c.state == "new")
    owed = select(outbox.c.id).where(outbox.c.state.not_in(FINAL))
    unknown = select(outbox.c.id).where(outbox.c.state == "failed", outbox.c.reported_at.is_(None))
    due = select(deadlines.c.ticket).where(deadlines.c.due_at < now + SOON)
    unread = select(channel_events.c.id).where(channel_events.c.state == "new")
    return any(connection.execute(query.limit(1)).first() for query in (new, owed, unknown, due, unread))


def registered(connection: Connection) -> set[str]:
    return set(connection.scalars(select(nodes.c.id)))


def violations(
    books: Books,
    sent: Iterable[str],
    answered: Iterable[tuple[str, int]],
    arrived: Iterable[Arrived],
    living: Iterable[str],
    expected: Counts | None,
) -> list[str]:
    """Return each broken promise as a sentence. `living`: the nodes that run. `expected`: counts without a fault."""
    return [
        *_accepted(books, list(sent), list(answered)),
        *_owned(books, set(living)),
        *_acknowledged(books),
        *_copies(books, list(arrived)),
        *_steps(books),
        *(_different(books.counts, expected) if expected else ()),
    ]


def _accepted(books: Books, sent: list[str], answered: list[tuple[str, int]]) -> Iterator[str]:
    """Each 250 is one mail in the inbox, done, on one ticket, as one message (P1, P2, P5)."""
    parser = BytesHeaderParser()
    kept = {row.id: str(parser.parsebytes(row.content)["Message-ID"]) for row in books.inbox}
    entries, filed = Counter(kept.values()), Counter(row.inbox_id for row in books.messages)
    for message_id, inbox_id in answered:
        if kept.get(inbox_id) != message_id:
            yield f"P1: {message_id} got its 250 as inbox row {inbox_id}, which is another mail or gone"
    for message_id in sent:
        if entries[message_id] != 1:
            yield f"P2: {message_id} is {entries[message_id]} times in the inbox"
    for row in books.channel_events:
        if row.state != "done":
            yield f"P5: channel event {row.id} is {row.state} ({row.reason})"
    for row in books.inbox:
        if row.state != "done":
            yield f"P5: inbox row {row.id} is {row.state} ({row.reason})"
        elif filed[row.id] != 1:
            yield f"P2: inbox row {row.id} became {filed[row.id]} messages"


def _owned(books: Books, living: set[str]) -> Iterator[str]:
    """Nothing is claimed by somebody who does not hold it: after healing, by nobody (P18)."""
    for name, rows in (("inbox", books.inbox), ("outbox", books.outbox)):
        for row in rows:
            if row.claimed_by is not None:
                alive = "alive" if row.claimed_by in living else "dead"
                yield f"P18: {name} row {row.id} ({row.state}) stays claimed by {row.claimed_by}, which is {alive}"
    for row in books.nodes:
        if row.id not in living:
            yield f"P18: {row.id} is listed as a node and does not run"
    for row in books.deadlines:
        if row.state == "parked":
            yield f"P5: the deadline of {row.ticket} is parked ({row.reason})"


def _acknowledged(books: Books) -> Iterator[str]:
    """Each ticket has one acknowledgement outcome, and the relay works: it is final (P3)."""
    found = Counter(row.ticket for row in books.outbox if row.kind == Acknowledgement.name)
    for row in books.tickets:
        if found[row.number] != 1:
            yield f"P3: {row.number} has {found[row.number]} acknowledgements"
    for row in books.outbox:
        if row.reason == TOLD_LATER and not any(map(partial(_tells_of, row), books.outbox)):
            yield f"P3: nothing told of outbox row {row.id} later"
        if row.state not in FINAL:
            yield f"P3: outbox row {row.id} ({row.kind}) is still {row.state} after {row.attempts} attempts"


def _tells_of(row: Any, later: Any) -> bool:
    return later.id > row.id and (later.ticket, later.why, later.state) == (
        row.ticket,
        row.why,
        OutboxState.SENT,
    )


def _copies(books: Books, arrived: list[Arrived]) -> Iterator[str]:
    """A mail arrives once, and once more for each time that nobody knows (P3)."""
    came = Counter(mail.message_id for mail in arrived if (mail.reply or "").startswith("2"))
    for row in books.outbox:
        copies = came.pop(row.message_id, 0)
        if copies > 1 + row.unknown:
            yield f"P3: outbox row {row.id} ({row.kind}) arrived {copies} times, {row.unknown} times unknown"
        if row.state == OutboxState.SENT and not copies:
            yield f"P3: outbox row {row.id} ({row.kind}) is sent and never arrived"
    for message_id, copies in came.items():
        yield f"P3: {message_id} arrived {copies} times and is in no outbox row"
    contents: dict[str, bytes] = {}
    for mail in arrived:
        if contents.setdefault(mail.message_id, mail.content) != mail.content:
            yield f"P3: copies of {mail.message_id} differ"


def _steps(books: Books) -> Iterator[str]:
    """A step of a ladder is taken once (P8)."""
    taken = Counter((row.ticket, str(row.data.get("step"))) for row in books.events if row.kind in STEPS)
    for (ticket, step), times in taken.items():
        if times > 1:
            yield f"P8: step {step} of {ticket} was taken {times} times"


def _different(counts: Counts, expected: Counts) -> Iterator[str]:
    for name, counter in expected.items():
        for what, least in (counter - counts[name]).items():
            yield f"{name}: {least} fewer than without the fault: {' '.join(map(str, what))}"
        for what, more in (counts[name] - counter).items():
            yield f"{name}: {more} more than without the fault: {' '.join(map(str, what))}"
