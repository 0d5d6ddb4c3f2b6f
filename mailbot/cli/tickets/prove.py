"""`mailbot prove NUMBER`: what is on record about a ticket, and whether the records agree with each other."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click
from sqlalchemy import Connection

from mailbot.cli.shared import ticket_lookup
from mailbot.cli.shared.json_form import inbox_json, outbox_json, ticket_json
from mailbot.cli.shared.open_store import fail, open_store
from mailbot.cli.shared.options import config_option, json_option
from mailbot.cli.shared.output import clean, echo, format_time, print_facts, print_json, print_title
from mailbot.domain import lifecycle
from mailbot.domain.events import TicketOpened
from mailbot.domain.model import Ticket
from mailbot.domain.states import AttemptOutcome, OutboxState
from mailbot.store import outbox_queries, queries, tickets


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that came in, as it lies in the store."""

    entry: queries.InboxEntry
    sha256: str
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class Owed:
    """A mail of ours with all that was tried. `sha256` of its frozen bytes; "" when it never leaves."""

    entry: outbox_queries.Entry
    sha256: str
    stored_bytes: int
    tries: Sequence[outbox_queries.Attempt]


@dataclass(frozen=True, slots=True)
class Check:
    what: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Record:
    """All that is on record about a ticket, as it was at one moment."""

    ticket: Ticket
    mails: Sequence[Mail]
    owed: Sequence[Owed]
    events: Sequence[tickets.RecordedEvent]


@click.command()
@click.argument("number", nargs=-1, required=True)
@config_option
@json_option
def prove(number: tuple[str, ...], in_json: bool) -> None:
    """Raw mails and their digests, the ticket, each mail of ours, each attempt with the relay's answer.

    Exit 1 when there is no such ticket or when its records contradict each other.
    """
    with open_store() as at:
        asked = ticket_lookup.require_number(at, number)
        # In one transaction: a mail that comes in meanwhile would look like a contradiction.
        found = at.store.read_now(_record, asked) or fail(ticket_lookup.unknown_number_text(at, asked))
        checks = _checks(found)
        if in_json:
            print_json(_shape(found, checks))
        else:
            _print(found, checks, at.zone(found.ticket.team))
    if not all(check.holds for check in checks):
        raise click.exceptions.Exit(1)


def _record(connection: Connection, number: str) -> Record | None:
    ticket = queries.ticket(connection, number)
    if ticket is None:
        return None
    events = tickets.events_of(connection, number)
    return Record(ticket, _mails(connection, number), _owed(connection, number), events)


def _mails(connection: Connection, number: str) -> list[Mail]:
    found = []
    for entry in reversed(queries.list_inbox(connection, number=number, limit=10_000)):
        raw = queries.raw_mail(connection, entry.id)
        found.append(Mail(entry, _digest(raw), len(raw or b"")))
    return found


def _owed(connection: Connection, number: str) -> list[Owed]:
    found = []
    for entry in reversed(outbox_queries.list_entries(connection, ticket=number, limit=10_000)):
        content = queries.frozen_mail(connection, entry.id)
        tries = outbox_queries.attempts_of(connection, entry.id)
        found.append(Owed(entry, _digest(content), len(content or b""), tries))
    return found


def _digest(content: bytes | None) -> str:
    return "" if content is None else hashlib.sha256(content).hexdigest()


def _checks(found: Record) -> list[Check]:
    acknowledged = sum(each.entry.kind == "acknowledgement" for each in found.owed)
    whole = all(mail.sha256 and mail.stored_bytes == mail.entry.size for mail in found.mails)
    answered = all(_was_taken(each) for each in found.owed if each.entry.state == OutboxState.SENT)
    folded = _folded(found.ticket.number, found.events) == found.ticket
    return [
        Check("every raw mail is here in its full length", whole),
        Check("the events, from first to last, make the ticket what it is", folded),
        Check("there is exactly one outcome of the acknowledgement", acknowledged == 1),
        Check("every mail that was sent has the relay's answer on record", answered),
    ]


def _was_taken(owed: Owed) -> bool:
    return any(each.outcome == AttemptOutcome.SENT for each in owed.tries)


def _folded(number: str, recorded: Sequence[tickets.RecordedEvent]) -> Ticket | None:
    """The ticket as its events alone tell it."""
    if not recorded or not isinstance(recorded[0].event, TicketOpened):
        return None
    first = recorded[0].event
    told = lifecycle.opened(number, first)
    try:
        for each in recorded[1:]:
            told = lifecycle.evolve(told, each.event)
    except lifecycle.IllegalTransition:
        return None
    return told


def _shape(found: Record, checks: Sequence[Check]) -> dict[str, Any]:
    return {
        "number": found.ticket.number,
        "ticket": ticket_json(found.ticket),
        "mails": [
            {**inbox_json(each.entry), "sha256": each.sha256, "stored_bytes": each.stored_bytes}
            for each in found.mails
        ],
        "outbox": [
            {
                **outbox_json(each.entry),
                "sha256": each.sha256,
                "stored_bytes": each.stored_bytes,
                "tries": each.tries,
            }
            for each in found.owed
        ],
        "checks": checks,
        "proved": all(check.holds for check in checks),
    }


def _print(found: Record, checks: Sequence[Check], zone: str) -> None:
    ticket = found.ticket
    echo(
        f"{ticket.number}  {ticket.status}  opened {format_time(ticket.opened_at, zone)}, {ticket.events} events"
    )
    print_title("Mail that came in")
    for mail in found.mails:
        entry = mail.entry
        came = f"{format_time(entry.received_at, zone)}  from {clean(entry.sender) or '<>'}"
        echo(f"  inbox {entry.id}  {entry.state}  {came}")
        print_facts(
            [("sha256", mail.sha256 or "its bytes are missing"), ("bytes", mail.stored_bytes)], indent="    "
        )
    print_title("Mail that we owe")
    for each in found.owed:
        _print_owed(each, zone)
    print_title("Do the records agree?")
    for check in checks:
        echo(f"  {'yes' if check.holds else 'NO '}  {check.what}", fg="green" if check.holds else "red")


def _print_owed(owed: Owed, zone: str) -> None:
    entry = owed.entry
    echo(f"  outbox {entry.id}  {entry.state}  {entry.kind} to {clean(entry.recipient)}")
    unknown = (
        f"{entry.unknown} time(s): a second copy may exist, with the same Message-ID" if entry.unknown else ""
    )
    print_facts(
        [
            *(("why", entry.reason), ("Message-ID", entry.message_id), ("unknown", unknown)),
            *(("sha256", owed.sha256), ("bytes", owed.stored_bytes or "")),
        ],
        indent="    ",
    )
    rows = [(format_time(each.at, zone), each.outcome, each.code, each.reply) for each in owed.tries]
    for row in rows:
        echo("    " + "  ".join(clean(cell) for cell in row if cell not in (None, "")))
