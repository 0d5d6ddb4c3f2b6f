"""`explain MAIL` for people and as JSON."""

from typing import Any

from mailbot.cli.rules import trace_text
from mailbot.cli.shared import output
from mailbot.cli.shared.event_text import event_text
from mailbot.cli.shared.json_form import deadlines_json, match_json, ticket_json
from mailbot.cli.tickets.dry_run import Told
from mailbot.domain import ladder, reasons
from mailbot.domain.events import ClocksSet, TicketAssigned, TicketRouted
from mailbot.domain.matching import Match
from mailbot.domain.model import Authentication, Ticket
from mailbot.domain.policy import Policy
from mailbot.domain.states import Direction
from mailbot.store.codec import event_data

BODY = 1_500  # characters of the mail for people
LANGUAGES = {"id": "Indonesian", "en": "English", "": "unsure"}
AUTHENTICATION = {
    Authentication.PASS: "passed, says a host that we trust",
    Authentication.FAIL: "failed, says a host that we trust",
    Authentication.NONE: "nobody that we trust said anything",
}


def shape(told: Told, policy: Policy) -> dict[str, Any]:
    mail, decision = told.mail, told.filed.decided.decision
    names = (
        "sender",
        "sender_name",
        "subject",
        "message_id",
        "language",
        "automatic",
        "authentication",
        "flags",
    )
    attachments = [(each.name, each.type, each.size, each.digest) for each in mail.attachments]
    match = told.filed.match
    return {
        "mail": {
            **{name: getattr(mail, name) for name in (*names, "size")},
            "visible": mail.visible[:100_000],
            "attachments": [
                dict(zip(("name", "type", "size", "digest"), each, strict=True)) for each in attachments
            ],
            "fingerprint": told.fingerprint,
            "received_before": _before(told),
        },
        "envelope": {
            "from": told.envelope.sender,
            "to": told.envelope.recipients,
            "peer": told.envelope.peer,
        },
        "belongs": {
            "ticket": None if _opens(told) else decision.ticket.number,
            **match_json(match),
            "claims": match.claims or None,
            "suggests": match.suggests or None,
            "held_for": decision.ticket.held_for,
            "filed_as": told.filed.decided.direction,
        },
        "rules": trace_text.shapes(told.tried),
        "ticket": ticket_json(decision.ticket),
        "deadlines": deadlines_json(decision.ticket, policy),
        "sends": [
            {
                "kind": each.notice.name,
                "to": each.notice.to,
                "subject": each.subject,
                "refused": each.refused or None,
            }
            for each in told.sends
        ],
        "suppressed": told.suppressed or None,
        "events": [
            {
                "kind": each.kind,
                "sentence": event_text(each, _zone(decision.ticket, policy)),
                "data": event_data(each),
            }
            for each in decision.events
        ],
        "policy": policy.version,
        "note": "; ".join(told.notes) or None,
    }


def _opens(told: Told) -> bool:
    return told.filed.before is None


def _before(told: Told) -> dict[str, Any] | None:
    before = told.before
    return {"inbox_id": before.id, "state": before.state, "ticket": before.ticket} if before else None


def _zone(ticket: Ticket, policy: Policy) -> str:
    return ladder.calendar_of(ticket, policy).zone


def show(told: Told, policy: Policy) -> None:
    for note in told.notes:
        output.echo(f"Note: {output.clean(note)}.", fg="yellow")
    if before := told.before:
        where = f"on ticket {before.ticket}" if before.ticket else before.state
        output.echo(f"Note: this very mail came in already as inbox {before.id} ({where}).", fg="yellow")
        output.echo("Sent again it would get its 250 and nothing else. What follows is as if it were new.")
    _how_it_reads(told)
    _where_it_belongs(told)
    _which_rule(told, policy)
    _what_it_becomes(told, policy)
    _what_leaves(told)


def _how_it_reads(told: Told) -> None:
    mail, envelope = told.mail, told.envelope
    output.print_title("How it is read")
    named = f"{mail.sender} ({output.clean(mail.sender_name, 60)})" if mail.sender_name else mail.sender
    attached = ", ".join(
        f"{each.name} ({each.type}, {output.format_size(each.size)})" for each in mail.attachments
    )
    output.print_facts(
        [
            ("envelope", f"from {envelope.sender or '<> (null sender)'} to {', '.join(envelope.recipients)}"),
            ("sender", named if mail.sender else "none that can be trusted"),
            ("subject", mail.subject or "(none)"),
            ("language", LANGUAGES.get(mail.language, mail.language)),
            ("written by", f"a machine: {mail.automatic}" if mail.automatic else "a person, it seems"),
            ("authentication", AUTHENTICATION[mail.authentication]),
            ("attached", attached),
            ("remarks", ", ".join(mail.flags)),
            ("size", output.format_size(mail.size)),
        ]
    )
    for row in output.clean_block(mail.visible, BODY).split("\n"):
        output.echo(f"    | {row}".rstrip())


def _where_it_belongs(told: Told) -> None:
    match, ticket = told.filed.match, told.filed.decided.decision.ticket
    output.print_title("Where it belongs")
    if not _opens(told):
        output.echo(f"  on ticket {ticket.number}: {output.clean(str(match.reason))} ({match.confidence})")
        output.echo(f"  filed as: {_direction(told.filed.decided.direction)}")
        _clues(match)
        for event in told.filed.decided.decision.events:
            if not isinstance(event, ClocksSet):
                output.echo(f"  so: {event_text(event, 'UTC')}")
        return
    output.echo(f"  a new ticket: {output.clean(str(match.reason))}")
    _clues(match)
    if ticket.held_for:
        output.echo(f"  held for {ticket.held_for}: no clock runs until an agent accepts or rejects it")
    if match.suggests:
        output.echo(f"  may mean the sender's own {match.suggests}: shown to agents, it decides nothing")
    if match.number:
        output.echo(
            f"  {match.number} was closed too long ago to be opened again; the new one is linked to it"
        )
    if match.claims:
        output.echo(f"  it claims to be about {output.clean(match.claims)}: shown to agents, no authority")


def _clues(match: Match) -> None:
    for clue in match.clues:
        mark = "counts" if clue.counted else "does not count"
        output.echo(f"    {reasons.of(clue.kind)} {output.clean(clue.named)}: {mark}, {clue.reason}")


def _direction(direction: Direction) -> str:
    words = {
        Direction.IN: "the customer's words",
        Direction.OUT: "an agent's answer, which goes to the customer",
    }
    return words.get(direction, "an internal note, which leaves for nobody")


def _which_rule(told: Told, policy: Policy) -> None:
    if not told.tried:
        output.print_title("Which rule")
        output.echo("  none is asked: the ticket has its place already")
        return
    trace_text.show(told.tried, policy.version, len(policy.rules))
    for each in _routed(told):
        output.echo(
            f"  so rule '{output.clean(each.rule)}' decides, because {output.clean(str(each.reason), 300)}"
        )


def _what_it_becomes(told: Told, policy: Policy) -> None:
    ticket = told.filed.decided.decision.ticket
    zone = _zone(ticket, policy)
    output.print_title("What it becomes")
    output.print_facts(_facts(told, ticket, policy))
    output.print_title(f"Deadlines, by the team's calendar ({zone})")
    deadlines = deadlines_json(ticket, policy)
    for deadline in deadlines:
        output.echo(f"  {output.format_time(deadline['due_at'], zone)}  {output.clean(deadline['does'])}")
    if not deadlines:
        output.echo("  none: no clock runs while it is not our turn")


def _facts(told: Told, ticket: Ticket, policy: Policy) -> list[tuple[str, object]]:
    example = "  (an example: the digits are drawn when it comes)" if _opens(told) else ""
    rated = f"urgency {ticket.urgency}, complexity {ticket.complexity}"

    def by(name: str) -> str:
        return trace_text.setter(told.tried, name)

    return [
        ("number", f"{ticket.number}{example}"),
        ("status", ticket.status.value),
        ("category", f"{ticket.category}{by('category')}"),
        ("priority", f"{ticket.priority} ({rated}){by('priority') or by('urgency')}"),
        ("tags", ", ".join(ticket.tags)),
        ("details", ", ".join(f"{name} {value}" for name, value in ticket.details)),
        ("asks for", ", ".join(name for each in _routed(told) for name in each.ask_for)),
        ("team", f"{ticket.team}, level {ticket.level}{by('team')}"),
        ("goes to", _goes_to(told, ticket, policy)),
        ("ladder", f"{ticket.ladder}{by('ladder')}"),
    ]


def _goes_to(told: Told, ticket: Ticket, policy: Policy) -> str:
    agent = policy.agents.get(ticket.assignee or "")
    whom = f"{agent.name} <{agent.address}>" if agent else ticket.assignee or "the whole team"
    given = (each for each in told.filed.decided.decision.events if isinstance(each, TicketAssigned))
    reason = next((each.reason for each in given), None)
    return f"{whom} ({reason})" if reason else whom


def _routed(told: Told) -> list[TicketRouted]:
    return [each for each in told.filed.decided.decision.events if isinstance(each, TicketRouted)]


def _what_leaves(told: Told) -> None:
    output.print_title("What would be sent")
    for each in told.sends:
        subject = f"can't be written: {each.refused}" if each.refused else each.subject
        output.echo(
            f"  {each.notice.name:<16}to {output.clean(each.notice.to)}: {output.clean(subject, 120)}"
        )
    if told.suppressed:
        output.echo(f"  no acknowledgement: {output.clean(told.suppressed)}", fg="yellow")
    elif not told.sends:
        output.echo("  nothing")
    output.echo("\nNothing was changed.", dim=True)
