"""`mailbot ticket show --all`: all about a ticket on a page for people."""

from mailbot.cli.shared import ticket_text
from mailbot.cli.shared.deadlines_text import print_deadlines
from mailbot.cli.shared.open_store import OpenStore
from mailbot.cli.shared.output import (
    clean,
    echo,
    echo_wrapped,
    print_block,
    print_facts,
    print_table,
    print_title,
)
from mailbot.cli.shared.rows import deleted_text
from mailbot.cli.shared.wall_clock import Line
from mailbot.cli.tickets.pages.show_text import PROOF, TicketPage, print_status, turn_text
from mailbot.cli.tickets.pages.timeline import sentence
from mailbot.domain.model import WAITING_STATES, Direction, OutboxState, Ticket
from mailbot.domain.routing.pattern_text import shorten_patterns
from mailbot.store import outbox_queries, queries
from mailbot.store.lists import ticket_rows
from mailbot.views.formats import format_size, format_time
from mailbot.views.ticket_json import mails_of

LONGEST = 4_000  # characters of a message; --json shows more
DIRECTIONS = {
    Direction.IN: "came in",
    Direction.OUT: "to the customer",
    Direction.NOTE: "internal note",
}


def show(opened: OpenStore, ticket: Ticket) -> None:
    """Print how the ticket stands, its facts, messages, events, deadlines and our mails."""
    page = TicketPage(opened, ticket, LONGEST)
    zone, number, read = opened.zone(ticket.team), ticket.number, opened.store.read_now
    page.print_heading()
    print_status(page, *_facts(page))
    echo()
    print_title("Messages")
    files = 0
    for message in page.messages:
        _print_message(message, page, files)
        files += len(message.attachments)
    print_title("Events")
    page.clock.print([Line(event.at, sentence(event, page.names, zone)) for event in page.events])
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
        for mail in read(mails_of, number)
    ]
    print_table(("outbox", "kind", "to", "state", ""), rows)


def _facts(page: TicketPage) -> list[tuple[str, object]]:
    """List what the short page leaves out: what the rules set, and by which names."""
    ticket, zone = page.ticket, page.clock.zone
    routed = page.routed()
    decided = f"{ticket.rule}: {routed.reason}" if routed else ticket.rule
    return [
        ("turn", turn_text(ticket, page.clock)),
        ("mailbox", ticket.mailbox),
        ("opened", format_time(ticket.opened_at, zone)),
        ("answered", format_time(ticket.first_response_at, zone) or "not yet"),
        ("rule", shorten_patterns(decided)),
        ("category", ticket.category),
        ("priority", f"{ticket.priority} (urgency {ticket.urgency}, complexity {ticket.complexity})"),
        ("tags", ", ".join(ticket.tags)),
        ("team", f"{ticket.team}, level {ticket.level}, ladder {ticket.ladder}"),
        ("assigned to", ticket.assignee or "no agent"),
    ]


def _print_message(message: queries.MessageView, page: TicketPage, files_before: int) -> None:
    """Print one message. Its files have the numbers by which `ticket attachment` writes them."""
    zone, number = page.clock.zone, page.ticket.number
    origin = f"{DIRECTIONS[message.direction]} (message {message.id})"
    author = clean(page.names.of(message.author))
    address = f" <{clean(message.author)}>" if author != clean(message.author) else ""
    echo_wrapped(f"  {format_time(message.at, zone)}  {author}{address}, {origin}")
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
        echo_wrapped(f"    [… {message.length - LONGEST:,} more characters: `mailbot ticket show --json`]")
    echo()


def _outcome(mail: outbox_queries.Entry, zone: str) -> str:
    if mail.state == OutboxState.SENT:
        arrival = f", {mail.arrival}" if mail.arrival else ""
        return f"{format_time(mail.settled_at, zone)}, {mail.code} {mail.reply}{arrival}"
    if mail.undo_until:
        return f"can be taken back until {format_time(mail.undo_until, zone)}"
    if mail.state in WAITING_STATES:
        answer = f", last answer {mail.code} {mail.reply}" if mail.reply else ""
        return f"next try {format_time(mail.due_at, zone)}{answer}"
    return str(mail.reason) or mail.reply or ""
