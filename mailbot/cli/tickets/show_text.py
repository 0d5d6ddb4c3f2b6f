"""A ticket for people: all about it on a page, a line of a list."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from mailbot.cli.shared import ticket_text
from mailbot.cli.shared.event_text import actor_text, event_text
from mailbot.cli.shared.formats import format_duration, format_size, format_time
from mailbot.cli.shared.ladder_text import print_deadlines, question_text, spaced
from mailbot.cli.shared.open_store import OpenStore, now
from mailbot.cli.shared.output import clean, echo, print_block, print_facts, print_table, print_title
from mailbot.cli.shared.rows import deleted_text
from mailbot.domain import ladder
from mailbot.domain.labels import label
from mailbot.domain.model import (
    OVER,
    WAITING_STATES,
    Authentication,
    DeadlineState,
    Direction,
    OutboxState,
    Role,
    Ticket,
)
from mailbot.domain.policy import Policy
from mailbot.domain.reason_texts import TERMS
from mailbot.store import outbox_queries, queries
from mailbot.store.lists import ticket_list, ticket_rows
from mailbot.store.retention import legal_holds

PROOF = {
    Authentication.PASS: "proven",
    Authentication.FAIL: "FORGED: it failed the check",
    Authentication.NONE: "not proven",
}

LONGEST = 4_000  # characters of a message; --json shows more
DIRECTIONS = {
    Direction.IN: "came in",
    Direction.OUT: "to the customer",
    Direction.NOTE: "internal note",
}
LANGUAGES = {"id": "Indonesian", "en": "English", "": "unsure"}


def mails_of(opened: OpenStore, number: str) -> list[outbox_queries.Entry]:
    """List our mails about the ticket, the oldest first."""
    return opened.store.read_now(lambda c: outbox_queries.list_entries(c, ticket=number, limit=1000))[::-1]


def show(opened: OpenStore, ticket: Ticket) -> None:
    zone, number, read = opened.zone(ticket.team), ticket.number, opened.store.read_now
    ticket_text.print_heading(ticket)
    print_facts(_facts(opened, ticket, zone))
    echo()
    print_title("Messages")
    files = 0
    for message in read(lambda c: queries.messages_of(c, number, longest=LONGEST)):
        _print_message(message, number, zone, files)
        files += len(message.attachments)
    print_title("Events")
    for recorded in read(ticket_rows.events_of, number):
        echo(f"  {format_time(recorded.event.at, zone)}  {event_text(recorded.event, zone)}")
    echo()
    print_deadlines(ticket, opened.policy, zone)
    echo()
    if read(ticket_rows.has_compensation, number):
        from mailbot.cli.service.ledger_text import print_lines
        from mailbot.store import compensations

        print_lines(read(compensations.of_ticket, number), zone)
    print_title("Our mail")
    rows = [
        (mail.id, mail.kind, mail.recipient, mail.state, _outcome(mail, zone))
        for mail in mails_of(opened, number)
    ]
    print_table(("outbox", "kind", "to", "state", ""), rows)


def _facts(opened: OpenStore, ticket: Ticket, zone: str) -> list[tuple[str, object]]:
    read, policy = opened.store.read_now, opened.policy
    participants = read(queries.participants_of, ticket.number)
    agent = policy.agents.get(ticket.assignee or "")
    return [
        *ticket_text.describe_links(read(queries.links_of, ticket.number), ticket.number),
        *_incident(read, ticket),
        ("customer", ticket.customer),
        ("answers go to", ticket.reply_to),
        ("also takes part", _people(participants, Role.PARTICIPANT)),
        ("not confirmed", _people(participants, Role.NAMED)),
        ("removed", _people(participants, Role.REMOVED)),
        ("mailbox", ticket.mailbox),
        ("language", LANGUAGES.get(ticket.language, ticket.language)),
        ("legal hold", _hold_text(read(legal_holds.find, ticket.number), zone)),
        ("opened", format_time(ticket.opened_at, zone)),
        ("rule", ticket.rule),
        ("category", ticket.category),
        ("priority", f"{ticket.priority} (urgency {ticket.urgency}, complexity {ticket.complexity})"),
        ("tags", ", ".join(ticket.tags)),
        ("team", f"{ticket.team}, level {ticket.level}, ladder {ticket.ladder}"),
        ("assigned to", f"{agent.name} <{agent.address}>" if agent else ticket.assignee or "no agent"),
        ("first response", format_time(ticket.first_response_at, zone) or "not yet"),
        ("closed", format_time(ticket.closed_at, zone)),
        ("cause", label(policy, "cause", ticket.cause, "en") if ticket.cause else ""),
        ("rating", f"{ticket.satisfaction} of 5" if ticket.satisfaction else ""),
        ("turn", _turn_text(ticket, zone)),
        ("promised", _promise_text(ticket, policy, zone)),
        ("next deadline", _deadline_text(read(ticket_list.deadline, ticket.number), zone)),
        ("to be decided", question_text(ticket, policy)),
    ]


def _hold_text(hold: legal_holds.LegalHold | None, zone: str) -> str:
    if hold is None:
        return ""
    return f"since {format_time(hold.at, zone)} by {actor_text(hold.by)}: {hold.reason}"


def _turn_text(ticket: Ticket, zone: str) -> str:
    """Return who has to act, until when, and why; "" once the ticket is over."""
    if ticket.status in OVER:
        return ""
    until = f" until {format_time(ticket.turn_until, zone)}" if ticket.turn_until else ""
    why = f" ({ticket.turn_why})" if ticket.turn_why else ""
    return f"{TERMS['turn'][ticket.turn][0]}{until}{why}"


def _promise_text(ticket: Ticket, policy: Policy, zone: str) -> str:
    at = ladder.promised_at(ticket, policy)
    return f"an answer or news by {format_time(at, zone)} ({_distance(at)})" if at else ""


def _distance(at: datetime) -> str:
    left = at - now()
    return f"in {format_duration(left)}" if left.total_seconds() > 0 else f"{format_duration(left)} ago"


def _incident(read: Callable[..., Any], ticket: Ticket) -> list[tuple[str, object]]:
    """Return what a complaint belongs to, or how many belong to an incident."""
    if ticket.is_incident:
        from mailbot.store import incidents

        return [("complaints", read(incidents.count, ticket.number))]
    return [("complaint of", ticket.incident or "")]


def _people(participants: list[queries.Participant], role: Role) -> str:
    return ", ".join(person.address for person in participants if person.role is role)


def _deadline_text(deadline: ticket_list.TicketDeadline | None, zone: str) -> str:
    if deadline is None:
        return "none"
    if deadline.state == DeadlineState.PARKED:
        return f"parked, our code failed on it: {deadline.reason}"
    return f"{spaced(deadline.target)}, {format_time(deadline.due_at, zone)} ({_distance(deadline.due_at)})"


def _print_message(message: queries.MessageView, number: str, zone: str, files_before: int) -> None:
    """Print one message. Its files have the numbers by which `ticket attachment` writes them."""
    origin = f"{DIRECTIONS[message.direction]} (message {message.id})"
    echo(f"  {format_time(message.at, zone)}  {clean(message.author)}, {origin}", fg="cyan")
    because, others = ticket_text.describe_match(message.evidence)
    attachments = [
        f"{place}: {file.name} ({', '.join(filter(None, (file.type, format_size(file.size), gone)))})"
        for place, file in enumerate(message.attachments, files_before + 1)
        for gone in (deleted_text(file.deleted_at, zone),)
    ]
    facts = [
        ("subject", message.subject),
        ("belongs here", because),
        *(("weighed", other) for other in others),
        ("came from", message.home if message.home != number else ""),
        ("sender", PROOF[message.authentication] if message.direction is Direction.IN else ""),
        ("author", f"{message.author_kind}: {message.author_reason}" if message.author_reason else ""),
        ("no automatic reply", message.no_auto_reply),
        ("remarks", ", ".join(message.flags)),
        ("attached", ", ".join(attachments)),
    ]
    print_facts(facts, indent="    ")
    print_block(message.text, LONGEST)
    if message.length > LONGEST:
        echo(f"    [… {message.length - LONGEST:,} more characters: `mailbot ticket show --json`]")
    echo()


def _outcome(mail: outbox_queries.Entry, zone: str) -> str:
    if mail.state == OutboxState.SENT:
        return f"{format_time(mail.settled_at, zone)}, {mail.code} {mail.reply}"
    if mail.undo_until:
        return f"can be taken back until {format_time(mail.undo_until, zone)}"
    if mail.state in WAITING_STATES:
        answer = f", last answer {mail.code} {mail.reply}" if mail.reply else ""
        return f"next try {format_time(mail.due_at, zone)}{answer}"
    return str(mail.reason) or mail.reply or ""
