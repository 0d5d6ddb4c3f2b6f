"""A ticket for people: the whole case on a page, a line of a list."""

from mailbot.cli.service.ledger_text import told_on_ticket
from mailbot.cli.shared import result_text
from mailbot.cli.shared.event_text import sentence
from mailbot.cli.shared.ladder_text import comes_due, question_said, words
from mailbot.cli.shared.open_store import Desk, now
from mailbot.cli.shared.output import block, clean, facts, line, short, size, span, table, title, when
from mailbot.domain.model import Ticket
from mailbot.store import compensations, outbox_view, queries, tickets

LONGEST = 4_000  # characters of a message; --json shows more
DIRECTIONS = {"in": "came in", "out": "to the customer", "note": "internal note"}


def mails_of(at: Desk, number: str) -> list[outbox_view.Entry]:
    found = at.store.read_now(lambda each: outbox_view.listing(each, ticket=number, limit=1000))
    return found[::-1]


def show(at: Desk, found: Ticket) -> None:
    zone = at.zone(found.team)
    result_text.head(found)
    armed = at.store.read_now(queries.deadline, found.number)
    facts(_facts(at, found, zone, armed))
    line()
    title("Messages")
    for message in at.store.read_now(lambda each: queries.messages_of(each, found.number, longest=LONGEST)):
        _message(message, found.number, zone)
    title("What happened")
    for recorded in at.store.read_now(tickets.events_of, found.number):
        line(f"  {when(recorded.event.at, zone)}  {sentence(recorded.event, zone)}")
    line()
    comes_due(found, at.policy, zone)
    line()
    told_on_ticket(at.store.read_now(compensations.of_ticket, found.number), zone)
    title("Our mail")
    rows = [
        (each.id, each.kind, each.recipient, each.state, _told(each, zone))
        for each in mails_of(at, found.number)
    ]
    table(("outbox", "kind", "to", "state", ""), rows)


def _facts(at: Desk, found: Ticket, zone: str, armed: queries.Armed | None) -> list[tuple[str, object]]:
    people = at.store.read_now(queries.participants_of, found.number)
    agent = at.policy.agents.get(found.assignee or "")
    return [
        *result_text.links_said(at.store.read_now(queries.links_of, found.number), found.number),
        ("customer", found.customer),
        ("also takes part", ", ".join(each.address for each in people if each.address != found.customer)),
        ("mailbox", found.mailbox),
        ("language", {"id": "Indonesian", "en": "English"}.get(found.language, found.language or "unsure")),
        ("opened", when(found.opened_at, zone)),
        ("rule", found.rule),
        ("category", found.category),
        ("priority", f"{found.priority} (urgency {found.urgency}, complexity {found.complexity})"),
        ("tags", ", ".join(found.tags)),
        ("team", f"{found.team}, level {found.level}, ladder {found.ladder}"),
        ("who has it", f"{agent.name} <{agent.address}>" if agent else found.assignee or "nobody"),
        ("first response", when(found.first_response_at, zone) or "not yet"),
        ("closed", when(found.closed_at, zone)),
        ("next deadline", _deadline(armed, zone)),
        ("to be decided", question_said(found, at.policy)),
    ]


def _deadline(armed: queries.Armed | None, zone: str) -> str:
    if armed is None:
        return "none"
    if armed.state == "parked":
        return f"parked, our code failed on it: {armed.reason}"
    left = armed.due_at - now()
    ahead = f"in {span(left)}" if left.total_seconds() > 0 else f"{span(left)} ago"
    return f"{words(armed.target)}, {when(armed.due_at, zone)} ({ahead})"


def _message(message: queries.MessageShown, number: str, zone: str) -> None:
    way = f"{DIRECTIONS[message.direction]} (message {message.id})"
    line(f"  {when(message.at, zone)}  {clean(message.author)}, {way}", fg="cyan")
    because, others = result_text.belongs(message.evidence)
    attached = [f"{each.name} ({each.type}, {size(each.size)})" for each in message.attachments]
    remarks = [
        ("subject", message.subject),
        ("belongs here", because),
        *(("weighed", each) for each in others),
        ("came from", message.home if message.home != number else ""),
        ("automatic", message.automatic),
        ("remarks", ", ".join(message.flags)),
        ("attached", ", ".join(attached)),
    ]
    facts(remarks, indent="    ")
    for text in block(message.text, LONGEST).split("\n"):
        line(f"    | {text}".rstrip())
    if message.length > LONGEST:
        line(f"    [… {message.length - LONGEST:,} more characters: `mailbot ticket show --json`]")
    line()


def _told(entry: outbox_view.Entry, zone: str) -> str:
    if entry.state == "sent":
        return f"{when(entry.settled_at, zone)}, {entry.code} {entry.reply}"
    if entry.state in ("due", "deferred"):
        last = f", last answer {entry.code} {entry.reply}" if entry.reply else ""
        return f"next try {when(entry.due_at, zone)}{last}"
    return entry.reason or entry.reply or ""


def row(each: queries.Listed, zone: str) -> tuple[object, ...]:
    found = each.ticket
    return (
        *(found.number, found.status, found.priority, found.team, found.level),
        (found.assignee or "").partition("@")[0],
        short(each.deadline.due_at, zone) if each.deadline else "",
        *(found.customer, clean(found.subject, 60)),
    )
