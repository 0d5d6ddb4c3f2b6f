"""A ticket for people: the whole case on a page, a line of a list."""

from mailbot.cli.service.ledger_text import told_on_ticket
from mailbot.cli.shared import result_text
from mailbot.cli.shared.event_text import event_text
from mailbot.cli.shared.ladder_text import print_deadlines, question_text, spaced
from mailbot.cli.shared.open_store import OpenStore, now
from mailbot.cli.shared.output import (
    clean,
    clean_block,
    echo,
    format_duration,
    format_short_time,
    format_size,
    format_time,
    print_facts,
    print_table,
    print_title,
)
from mailbot.domain.model import Ticket
from mailbot.domain.states import WAITING, DeadlineState, Direction, OutboxState
from mailbot.store import compensations, outbox_queries, queries, tickets

LONGEST = 4_000  # characters of a message; --json shows more
DIRECTIONS = {
    Direction.IN: "came in",
    Direction.OUT: "to the customer",
    Direction.NOTE: "internal note",
}


def mails_of(at: OpenStore, number: str) -> list[outbox_queries.Entry]:
    found = at.store.read_now(lambda each: outbox_queries.list_entries(each, ticket=number, limit=1000))
    return found[::-1]


def show(at: OpenStore, found: Ticket) -> None:
    zone = at.zone(found.team)
    result_text.print_heading(found)
    armed = at.store.read_now(queries.deadline, found.number)
    print_facts(_facts(at, found, zone, armed))
    echo()
    print_title("Messages")
    for message in at.store.read_now(lambda each: queries.messages_of(each, found.number, longest=LONGEST)):
        _message(message, found.number, zone)
    print_title("What happened")
    for recorded in at.store.read_now(tickets.events_of, found.number):
        echo(f"  {format_time(recorded.event.at, zone)}  {event_text(recorded.event, zone)}")
    echo()
    print_deadlines(found, at.policy, zone)
    echo()
    told_on_ticket(at.store.read_now(compensations.of_ticket, found.number), zone)
    print_title("Our mail")
    rows = [
        (each.id, each.kind, each.recipient, each.state, _told(each, zone))
        for each in mails_of(at, found.number)
    ]
    print_table(("outbox", "kind", "to", "state", ""), rows)


def _facts(
    at: OpenStore, found: Ticket, zone: str, armed: queries.TicketDeadline | None
) -> list[tuple[str, object]]:
    people = at.store.read_now(queries.participants_of, found.number)
    agent = at.policy.agents.get(found.assignee or "")
    return [
        *result_text.describe_links(at.store.read_now(queries.links_of, found.number), found.number),
        ("customer", found.customer),
        ("also takes part", ", ".join(each.address for each in people if each.address != found.customer)),
        ("mailbox", found.mailbox),
        ("language", {"id": "Indonesian", "en": "English"}.get(found.language, found.language or "unsure")),
        ("opened", format_time(found.opened_at, zone)),
        ("rule", found.rule),
        ("category", found.category),
        ("priority", f"{found.priority} (urgency {found.urgency}, complexity {found.complexity})"),
        ("tags", ", ".join(found.tags)),
        ("team", f"{found.team}, level {found.level}, ladder {found.ladder}"),
        ("who has it", f"{agent.name} <{agent.address}>" if agent else found.assignee or "nobody"),
        ("first response", format_time(found.first_response_at, zone) or "not yet"),
        ("closed", format_time(found.closed_at, zone)),
        ("next deadline", _deadline(armed, zone)),
        ("to be decided", question_text(found, at.policy)),
    ]


def _deadline(armed: queries.TicketDeadline | None, zone: str) -> str:
    if armed is None:
        return "none"
    if armed.state == DeadlineState.PARKED:
        return f"parked, our code failed on it: {armed.reason}"
    left = armed.due_at - now()
    ahead = f"in {format_duration(left)}" if left.total_seconds() > 0 else f"{format_duration(left)} ago"
    return f"{spaced(armed.target)}, {format_time(armed.due_at, zone)} ({ahead})"


def _message(message: queries.MessageView, number: str, zone: str) -> None:
    way = f"{DIRECTIONS[message.direction]} (message {message.id})"
    echo(f"  {format_time(message.at, zone)}  {clean(message.author)}, {way}", fg="cyan")
    because, others = result_text.describe_match(message.evidence)
    attached = [f"{each.name} ({each.type}, {format_size(each.size)})" for each in message.attachments]
    remarks = [
        ("subject", message.subject),
        ("belongs here", because),
        *(("weighed", each) for each in others),
        ("came from", message.home if message.home != number else ""),
        ("automatic", message.automatic),
        ("remarks", ", ".join(message.flags)),
        ("attached", ", ".join(attached)),
    ]
    print_facts(remarks, indent="    ")
    for text in clean_block(message.text, LONGEST).split("\n"):
        echo(f"    | {text}".rstrip())
    if message.length > LONGEST:
        echo(f"    [… {message.length - LONGEST:,} more characters: `mailbot ticket show --json`]")
    echo()


def _told(entry: outbox_queries.Entry, zone: str) -> str:
    if entry.state == OutboxState.SENT:
        return f"{format_time(entry.settled_at, zone)}, {entry.code} {entry.reply}"
    if entry.state in WAITING:
        last = f", last answer {entry.code} {entry.reply}" if entry.reply else ""
        return f"next try {format_time(entry.due_at, zone)}{last}"
    return str(entry.reason) or entry.reply or ""


def row(each: queries.ListedTicket, zone: str) -> tuple[object, ...]:
    found = each.ticket
    return (
        *(found.number, found.status, found.priority, found.team, found.level),
        (found.assignee or "").partition("@")[0],
        format_short_time(each.deadline.due_at, zone) if each.deadline else "",
        *(found.customer, clean(found.subject, 60)),
    )
