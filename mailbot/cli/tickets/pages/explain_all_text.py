"""`explain MAIL --all` for people: each step from the bytes to what would be sent."""

from collections.abc import Sequence

from mailbot.cli.rules import trace_text
from mailbot.cli.shared.output import clean, echo, echo_wrapped, print_block, print_facts, print_title
from mailbot.cli.tickets.explain_json import zone_of
from mailbot.cli.tickets.pages.explain_text import FILED_AS, customer_text
from mailbot.domain import reasons
from mailbot.domain.events import (
    ClocksSet,
    ParticipantsAdded,
    TicketAssigned,
    TicketFiled,
)
from mailbot.domain.language import NAMES as language_names
from mailbot.domain.matching import Match
from mailbot.domain.model import Authentication, Contact, Status, Ticket
from mailbot.domain.notices import recipient_of
from mailbot.domain.people.customer import why_unreachable
from mailbot.domain.policy import Policy
from mailbot.views.dry_run import DryRun
from mailbot.views.event_json import deadlines_json
from mailbot.views.event_text import event_text
from mailbot.views.formats import format_size, format_time

BODY = 1_500  # characters of the mail for people
AUTHENTICATION = {
    Authentication.PASS: "proven: passed, by a trusted host",
    Authentication.FAIL: "forged: failed, by a trusted host",
    Authentication.NONE: "not proven: no result of a trusted host",
}


def print_all(result: DryRun, policy: Policy) -> None:
    """Print how the mail is parsed, where it belongs, every rule, the ticket, its deadlines and the mails."""
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
        ("language", language_names.get(mail.language, mail.language)),
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
        echo_wrapped(f"  on ticket {ticket.number}: {clean(str(match.reason))} ({match.confidence})")
        echo_wrapped(f"  filed as: {FILED_AS[direction]}")
        _print_clues(match)
        for event in result.decision.events:
            if not isinstance(event, ClocksSet):
                echo_wrapped(f"  so: {event_text(event, 'UTC')}")
        return
    echo_wrapped(f"  a new ticket: {clean(str(match.reason))}")
    _print_clues(match)
    for event in result.decision.events:
        if isinstance(event, ParticipantsAdded):
            echo_wrapped(f"  {event_text(event, 'UTC')}")
        if isinstance(event, TicketFiled):
            echo_wrapped(f"  {event_text(event, 'UTC')}: no clock, no notice until `mailbot ticket release`")
    if ticket.held_for:
        echo_wrapped(f"  held for {ticket.held_for}: no clock runs until an agent accepts or rejects it")
    if match.mentions:
        echo_wrapped(f"  mentions {match.mentions} in its text: shown to agents, it decides nothing")
    if match.suggests:
        echo_wrapped(f"  may mean the sender's own {match.suggests}: shown to agents, it decides nothing")
    if match.number:
        echo_wrapped(f"  {match.number} was closed too long ago to be reopened; the new one is linked to it")
    if match.claims:
        echo_wrapped(f"  it claims to be about {clean(match.claims)}: shown to agents, no authority")


def _print_clues(match: Match) -> None:
    for clue in match.clues:
        mark = "counts" if clue.counted else "does not count"
        echo_wrapped(f"    {reasons.of(clue.kind)} {clean(clue.named)}: {mark}, {clue.reason}")


def _print_rules(result: DryRun, policy: Policy) -> None:
    if not result.rules:
        print_title("Which rule")
        echo("  none is tested: the ticket has its place already")
        return
    trace_text.print_rules(result.rules, policy.version, len(policy.rules))
    for event in result.routed:
        echo_wrapped(f"  so rule '{clean(event.rule)}' decides, because {clean(str(event.reason), 300)}")


def _print_ticket(result: DryRun, policy: Policy) -> None:
    ticket = result.decision.ticket
    zone = zone_of(ticket, policy)
    print_title("What it becomes")
    print_facts(_facts(result, ticket, policy))
    print_title(f"Deadlines, by the team's calendar ({zone})")
    deadlines = deadlines_json(ticket, policy)
    for deadline in deadlines:
        echo_wrapped(f"  {format_time(deadline['due_at'], zone)}  {clean(deadline['does'])}")
    if not deadlines:
        filed = ticket.status is Status.FILED
        echo_wrapped(f"  none: {'it is filed' if filed else 'no clock runs while it is not our turn'}")


def _facts(result: DryRun, ticket: Ticket, policy: Policy) -> list[tuple[str, object]]:
    def by(name: str) -> str:
        return trace_text.setter_text(result.rules, name)

    example = "  (an example: the digits are drawn when it comes)" if result.opens_ticket else ""
    rated = f"urgency {ticket.urgency}, complexity {ticket.complexity}"
    return [
        ("number", f"{ticket.number}{example}"),
        ("status", ticket.status.value),
        ("customer", customer_text(result, policy)),
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
        echo_wrapped(
            f"  {planned.notice.name:<16}to {clean(recipient_of(planned.notice))}: {clean(subject, 120)}"
        )
    if result.suppressed:
        echo_wrapped(f"  no acknowledgement: {clean(result.suppressed)}")
    elif not result.sends:
        echo("  nothing")
    echo("\nNothing was changed.")
