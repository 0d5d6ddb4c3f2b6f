"""`mailbot prove NUMBER`: the records of a ticket, and whether they agree with each other."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click
from sqlalchemy import Connection

from mailbot.cli.shared.open_store import fail, open_store
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import clean, echo, print_facts, print_json, print_title
from mailbot.cli.shared.rows import deleted_text
from mailbot.cli.shared.ticket_lookup import number_argument, require_number, unknown_number_text
from mailbot.domain import lifecycle
from mailbot.domain.actor import ActorKind
from mailbot.domain.events import TicketOpened
from mailbot.domain.model import AttemptOutcome, OutboxState, Ticket
from mailbot.store import outbox_queries, queries, tickets
from mailbot.views.formats import format_time
from mailbot.views.record_json import inbox_json, outbox_json, ticket_json


@dataclass(frozen=True, slots=True)
class StoredBytes:
    """What is kept of a mail: the SHA-256 and the length of its bytes. "" and 0 when there are none.

    `deleted_at`: retention deleted the bytes then, and the digest is all that is left.
    """

    sha256: str
    stored_bytes: int
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Inbound:
    entry: queries.InboxEntry
    content: StoredBytes


@dataclass(frozen=True, slots=True)
class Outbound:
    """A mail in the outbox with all attempts. A suppressed mail has no bytes."""

    entry: outbox_queries.Entry
    content: StoredBytes
    tries: Sequence[outbox_queries.Attempt]


@dataclass(frozen=True, slots=True)
class Check:
    what: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Record:
    """All records of a ticket as they were at one moment."""

    ticket: Ticket
    mails: Sequence[Inbound]
    outbox: Sequence[Outbound]
    events: Sequence[tickets.RecordedEvent]


@click.command()
@number_argument
@standard_options
def prove(number: tuple[str, ...], in_json: bool) -> None:
    """Show raw mails and their digests, the ticket, our mails, each attempt with the relay's answer.

    Exit 1 when there is no such ticket or when its records contradict each other.
    """
    with open_store() as opened:
        name = require_number(opened, number)
        # In one transaction: a mail that comes in between would look like a contradiction.
        record = opened.store.read_now(_read, name) or fail(unknown_number_text(opened, name))
        zone = opened.zone(record.ticket.team)
    checks = _check(record)
    if in_json:
        print_json(_record_json(record, checks))
    else:
        _print(record, checks, zone)
    if not all(check.holds for check in checks):
        raise click.exceptions.Exit(1)


def _read(connection: Connection, number: str) -> Record | None:
    ticket = queries.ticket(connection, number)
    if ticket is None:
        return None
    mails = [
        Inbound(entry, _stored(entry, queries.raw_mail(connection, entry.id)))
        for entry in reversed(queries.list_inbox(connection, number=number, limit=10_000))
    ]
    outbox = [
        Outbound(
            entry,
            _stored(entry, queries.frozen_mail(connection, entry.id)),
            outbox_queries.attempts_of(connection, entry.id),
        )
        for entry in reversed(outbox_queries.list_entries(connection, ticket=number, limit=10_000))
    ]
    return Record(ticket, mails, outbox, tickets.events_of(connection, number))


def _stored(entry: queries.InboxEntry | outbox_queries.Entry, content: bytes | None) -> StoredBytes:
    if content is None:
        return StoredBytes(entry.deleted_digest or "", 0, entry.deleted_at)
    return StoredBytes(hashlib.sha256(content).hexdigest(), len(content), None)


def _check(record: Record) -> list[Check]:
    acknowledgements = sum(mail.entry.kind == "acknowledgement" for mail in record.outbox)
    whole = all(
        mail.content.sha256 and (mail.content.deleted_at or mail.content.stored_bytes == mail.entry.size)
        for mail in record.mails
    )
    answered = all(
        any(attempt.outcome == AttemptOutcome.SENT for attempt in mail.tries) or mail.entry.code
        for mail in record.outbox
        if mail.entry.state == OutboxState.SENT
    )
    came_from_elsewhere = record.events and record.events[0].event.by.kind is ActorKind.IMPORT
    expected = 0 if came_from_elsewhere else 1  # the other desk answered it
    same = _rebuild(record.ticket.number, record.events) == record.ticket
    return [
        Check("every raw mail is here in its full length, or its digest since its deletion", whole),
        Check("the events, from first to last, make the ticket what it is", same),
        Check("there is exactly one outcome of the acknowledgement", acknowledgements == expected),
        Check("every mail that was sent has the relay's answer on record", answered),
    ]


def _rebuild(number: str, recorded: Sequence[tickets.RecordedEvent]) -> Ticket | None:
    """Rebuild the ticket from its events alone."""
    if not recorded or not isinstance(recorded[0].event, TicketOpened):
        return None
    ticket = lifecycle.opened(number, recorded[0].event)
    try:
        for row in recorded[1:]:
            ticket = lifecycle.evolve(ticket, row.event)
    except lifecycle.IllegalTransition:
        return None
    return ticket


def _record_json(record: Record, checks: Sequence[Check]) -> dict[str, Any]:
    def content(mail: Inbound | Outbound) -> dict[str, object]:
        return {"sha256": mail.content.sha256, "stored_bytes": mail.content.stored_bytes}

    return {
        "number": record.ticket.number,
        "ticket": ticket_json(record.ticket),
        "mails": [{**inbox_json(mail.entry), **content(mail)} for mail in record.mails],
        "outbox": [
            {**outbox_json(mail.entry), **content(mail), "tries": mail.tries} for mail in record.outbox
        ],
        "checks": checks,
        "proved": all(check.holds for check in checks),
    }


def _print(record: Record, checks: Sequence[Check], zone: str) -> None:
    ticket = record.ticket
    opened = format_time(ticket.opened_at, zone)
    echo(f"{ticket.number}  {ticket.status}  opened {opened}, {ticket.events} events")
    print_title("Mail that came in")
    for mail in record.mails:
        entry, content = mail.entry, mail.content
        origin = f"{format_time(entry.received_at, zone)}  from {clean(entry.sender) or '<>'}"
        echo(f"  inbox {entry.id}  {entry.state}  {origin}")
        digest = content.sha256 or "its bytes are missing"
        length = deleted_text(content.deleted_at, zone) or content.stored_bytes
        print_facts([("sha256", digest), ("bytes", length)], indent="    ")
    print_title("Our mail")
    for mail_out in record.outbox:
        _print_outbound(mail_out, zone)
    print_title("Do the records agree?")
    for check in checks:
        echo(f"  {'yes' if check.holds else 'NO '}  {check.what}", fg=None if check.holds else "red")


def _print_outbound(mail: Outbound, zone: str) -> None:
    entry = mail.entry
    echo(f"  outbox {entry.id}  {entry.state}  {entry.kind} to {clean(entry.recipient)}")
    copies = f"{entry.unknown} time(s): a second copy may exist, with the same Message-ID"
    facts = [
        ("why", entry.reason),
        ("Message-ID", entry.message_id),
        ("can be taken back until", format_time(entry.undo_until, zone)),
        ("unknown", copies if entry.unknown else ""),
        ("sha256", mail.content.sha256),
        ("bytes", deleted_text(mail.content.deleted_at, zone) or mail.content.stored_bytes or ""),
    ]
    print_facts(facts, indent="    ")
    for attempt in mail.tries:
        cells = (format_time(attempt.at, zone), attempt.outcome, attempt.code, attempt.reply)
        echo("    " + "  ".join(clean(cell) for cell in cells if cell not in (None, "")))
