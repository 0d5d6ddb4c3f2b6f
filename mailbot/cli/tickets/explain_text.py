"""The result of `explain MAIL` for people and as JSON."""

from collections.abc import Sequence
from typing import Any

from mailbot.cli.rules import trace_text
from mailbot.cli.shared.event_json import deadlines_json, event_json, match_json
from mailbot.cli.shared.event_text import event_text
from mailbot.cli.shared.formats import format_size, format_time
from mailbot.cli.shared.json_form import to_json
from mailbot.cli.shared.output import clean, echo, print_block, print_facts, print_title
from mailbot.cli.shared.record_json import ticket_json
from mailbot.cli.tickets.dry_run import DryRun
from mailbot.cli.tickets.show_text import LANGUAGES
from mailbot.domain import ladder, reasons
from mailbot.domain.events import (
    AcknowledgementSuppressed,
    ClocksSet,
    ParticipantsAdded,
    TicketAssigned,
    TicketFiled,
)
from mailbot.domain.matching import Match
from mailbot.domain.model import Authentication, Contact, Direction, InboundMail, Status, Ticket
from mailbot.domain.notices import recipient_of
from mailbot.domain.people.customer import other_sender, why_unreachable
from mailbot.domain.policy import Policy

BODY = 1_500  # characters of the mail for people
AUTHENTICATION = {
    Authentication.PASS: "proven: passed, by a trusted host",
    Authentication.FAIL: "forged: failed, by a trusted host",
    Authentication.NONE: "not proven: no result of a trusted host",
}
DIRECTIONS = {
    Direction.IN: "the customer's message",
    Direction.OUT: "an agent's answer, which goes to the customer",
}
MAIL = (
    *("sender", "sender_name", "subject", "message_id", "language", "no_auto_reply"),
    *("author", "author_reason", "authentication", "to", "cc", "reply_to_named", "original_from"),
)


def mail_json(mail: InboundMail, *more: str) -> dict[str, Any]:
    """Return a parsed mail as JSON, with `more` of its fields."""
    return {
        **to_json(mail, only=(*MAIL, *more), rename={"no_auto_reply": "automatic"}),
        "machine_may_answer": not mail.no_auto_reply,
        "visible": mail.visible[:100_000],
        "attachments": to_json(mail.attachments, only=("name", "type", "size", "digest")),
    }


def dry_run_json(result: DryRun, policy: Policy) -> dict[str, Any]:
    mail, decision, match = result.mail, result.decision, result.processed.match
    ticket, zone = decision.ticket, _zone(decision.ticket, policy)
    before = to_json(result.received_before, only=("id", "state", "ticket"), rename={"id": "inbox_id"})
    return {
        "mail": {
            **mail_json(mail, "authentication", "flags", "size"),
            "fingerprint": result.fingerprint,
            "received_before": before,
        },
        "envelope": to_json(
            result.envelope,
            only=("sender", "recipients", "peer"),
            rename={"sender": "from", "recipients": "to"},
        ),
        "belongs": {
            "ticket": None if result.opens_ticket else ticket.number,
            **match_json(match),
            "claims": match.claims or None,
            "suggests": match.suggests or None,
            "mentions": match.mentions or None,
            "held_for": ticket.held_for,
            "filed": _why_filed(result),
            "filed_as": result.processed.decided.direction,
        },
        "rules": trace_text.rules_json(result.rules),
        "ticket": ticket_json(ticket),
        "deadlines": deadlines_json(ticket, policy),
        "sends": [
            {
                "kind": planned.notice.name,
                "to": recipient_of(planned.notice),
                "subject": planned.subject,
                "refused": planned.refused or None,
            }
            for planned in result.sends
        ],
        "suppressed": result.suppressed or None,
        "events": [
            {"kind": event.kind, "sentence": event_text(event, zone), "data": event_json(event)}
            for event in decision.events
        ],
        "policy": policy.version,
        "note": "; ".join(result.notes) or None,
    }


def _why_filed(result: DryRun) -> str | None:
    events = result.decision.events
    return next((str(event.reason) for event in events if isinstance(event, TicketFiled)), None)


def _zone(ticket: Ticket, policy: Policy) -> str:
    return ladder.calendar_of(ticket, policy).zone


def print_dry_run(result: DryRun, policy: Policy) -> None:
    for note in result.notes:
        echo(f"Note: {clean(note)}.", fg="yellow")
    if before := result.received_before:
        where = f"on ticket {before.ticket}" if before.ticket else before.state
        echo(f"Note: this very mail came in already as inbox {before.id} ({where}).", fg="yellow")
        echo("Sent again, it would get its 250 and nothing else. The result is as if it were new.")
    _print_mail(result)
    _print_match(result)
    _print_rules(result, policy)
    _print_ticket(result, policy)
    _print_sends(result)


def _print_mail(result: DryRun) -> None:
    mail, envelope = result.mail, result.envelope
    print_title("How it is parsed")
    sender = f"{mail.sender} ({clean(mail.sender_name, 60)})" if mail.sender_name else mail.sender
    attachments = [f"{file.name} ({file.type}, {format_size(file.size)})" for file in mail.attachments]
    facts = [
        ("envelope", f"from {envelope.sender or '<> (null sender)'} to {', '.join(envelope.recipients)}"),
        ("sender", sender if mail.sender else "none that can be trusted"),
        ("to", _contacts(mail.to)),
        ("copies (Cc)", _contacts(mail.cc)),
        ("subject", mail.subject or "(none)"),
        ("language", LANGUAGES.get(mail.language, mail.language)),
        ("written by", f"a {mail.author}: {mail.author_reason}"),
        ("no automatic reply", mail.no_auto_reply),
        ("authentication", AUTHENTICATION[mail.authentication]),
        ("attached", ", ".join(attachments)),
        ("remarks", ", ".join(mail.flags)),
        ("size", format_size(mail.size)),
    ]
    print_facts(facts)
    print_block(mail.visible, BODY)


def _contacts(contacts: Sequence[Contact]) -> str:
    return ", ".join(contact.address for contact in contacts)


def _print_match(result: DryRun) -> None:
    match, ticket = result.processed.match, result.decision.ticket
    print_title("Where it belongs")
    if not result.opens_ticket:
        direction = result.processed.decided.direction
        echo(f"  on ticket {ticket.number}: {clean(str(match.reason))} ({match.confidence})")
        echo(f"  filed as: {DIRECTIONS.get(direction, 'an internal note, which is never sent')}")
        _print_clues(match)
        for event in result.decision.events:
            if not isinstance(event, ClocksSet):
                echo(f"  so: {event_text(event, 'UTC')}")
        return
    echo(f"  a new ticket: {clean(str(match.reason))}")
    _print_clues(match)
    for event in result.decision.events:
        if isinstance(event, ParticipantsAdded):
            echo(f"  {event_text(event, 'UTC')}")
        if isinstance(event, TicketFiled):
            echo(f"  {event_text(event, 'UTC')}: no clock, no notice until `mailbot ticket release`")
    if ticket.held_for:
        echo(f"  held for {ticket.held_for}: no clock runs until an agent accepts or rejects it")
    if match.mentions:
        echo(f"  mentions {match.mentions} in its text: shown to agents, it decides nothing")
    if match.suggests:
        echo(f"  may mean the sender's own {match.suggests}: shown to agents, it decides nothing")
    if match.number:
        echo(f"  {match.number} was closed too long ago to be reopened; the new one is linked to it")
    if match.claims:
        echo(f"  it claims to be about {clean(match.claims)}: shown to agents, no authority")


def _print_clues(match: Match) -> None:
    for clue in match.clues:
        mark = "counts" if clue.counted else "does not count"
        echo(f"    {reasons.of(clue.kind)} {clean(clue.named)}: {mark}, {clue.reason}")


def _print_rules(result: DryRun, policy: Policy) -> None:
    if not result.rules:
        print_title("Which rule")
        echo("  none is tested: the ticket has its place already")
        return
    trace_text.print_rules(result.rules, policy.version, len(policy.rules))
    for event in result.routed:
        echo(f"  so rule '{clean(event.rule)}' decides, because {clean(str(event.reason), 300)}")


def _print_ticket(result: DryRun, policy: Policy) -> None:
    ticket = result.decision.ticket
    zone = _zone(ticket, policy)
    print_title("What it becomes")
    print_facts(_facts(result, ticket, policy))
    print_title(f"Deadlines, by the team's calendar ({zone})")
    deadlines = deadlines_json(ticket, policy)
    for deadline in deadlines:
        echo(f"  {format_time(deadline['due_at'], zone)}  {clean(deadline['does'])}")
    if not deadlines:
        filed = ticket.status is Status.FILED
        echo(f"  none: {'it is filed' if filed else 'no clock runs while it is not our turn'}")


def _facts(result: DryRun, ticket: Ticket, policy: Policy) -> list[tuple[str, object]]:
    def by(name: str) -> str:
        return trace_text.setter_text(result.rules, name)

    example = "  (an example: the digits are drawn when it comes)" if result.opens_ticket else ""
    rated = f"urgency {ticket.urgency}, complexity {ticket.complexity}"
    return [
        ("number", f"{ticket.number}{example}"),
        ("status", ticket.status.value),
        ("customer", _customer(result, ticket, policy)),
        ("answers", f"go to {ticket.reply_to}" if ticket.reply_to else why_unreachable(ticket.customer)),
        ("category", f"{ticket.category}{by('category')}"),
        ("priority", f"{ticket.priority} ({rated}){by('priority') or by('urgency')}"),
        ("tags", ", ".join(ticket.tags)),
        ("details", ", ".join(f"{name} {value}" for name, value in ticket.details)),
        ("asks for", ", ".join(name for event in result.routed for name in event.ask_for)),
        ("team", f"{ticket.team}, level {ticket.level}{by('team')}"),
        ("assigned to", _assignee(result, ticket, policy)),
        ("ladder", f"{ticket.ladder}{by('ladder')}"),
    ]


def _customer(result: DryRun, ticket: Ticket, policy: Policy) -> str:
    mail = result.processed.mail
    why = str(other_sender(mail, ticket.customer, policy)) if result.opens_ticket else ""
    suppressed = (event for event in result.decision.events if isinstance(event, AcknowledgementSuppressed))
    if any(event.reason.code == "forwarded_by_agent" for event in suppressed):
        why = f"an agent forwards this mail, {ticket.customer} is not confirmed"
    return f"{ticket.customer or 'nobody'} ({why})" if why else ticket.customer or "nobody"


def _assignee(result: DryRun, ticket: Ticket, policy: Policy) -> str:
    agent = policy.agents.get(ticket.assignee or "")
    name = f"{agent.name} <{agent.address}>" if agent else ticket.assignee or "the whole team"
    if ticket.status is Status.FILED:
        return "nobody"
    assigned = (event for event in result.decision.events if isinstance(event, TicketAssigned))
    reason = next((event.reason for event in assigned), None)
    return f"{name} ({reason})" if reason else name


def _print_sends(result: DryRun) -> None:
    print_title("What would be sent")
    for planned in result.sends:
        subject = f"can't be composed: {planned.refused}" if planned.refused else planned.subject
        echo(f"  {planned.notice.name:<16}to {clean(recipient_of(planned.notice))}: {clean(subject, 120)}")
    if result.suppressed:
        echo(f"  no acknowledgement: {clean(result.suppressed)}", fg="yellow")
    elif not result.sends:
        echo("  nothing")
    echo("\nNothing was changed.", dim=True)
