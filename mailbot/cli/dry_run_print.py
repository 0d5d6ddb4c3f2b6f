"""`explain MAIL` for people and as JSON."""

from dataclasses import asdict
from typing import Any

from mailbot.cli import rules_print, say
from mailbot.cli.dry_run import Told
from mailbot.cli.sentences import sentence
from mailbot.cli.shapes import deadline_shapes, ticket_shape
from mailbot.core import ladder
from mailbot.core.events import ClocksSet, TicketAssigned, TicketRouted
from mailbot.core.evidence import Verdict
from mailbot.core.model import Authentication, Ticket
from mailbot.core.policy import Policy
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
    verdict = told.filed.verdict
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
            "because": verdict.because,
            "confidence": verdict.confidence,
            "clues": [asdict(each) for each in verdict.weighed],
            "claims": verdict.claims or None,
            "suggests": verdict.suggests or None,
            "followed": verdict.followed,
            "held_for": decision.ticket.held_for,
            "filed_as": told.filed.decided.direction,
        },
        "rules": rules_print.shapes(told.tried),
        "ticket": ticket_shape(decision.ticket),
        "deadlines": deadline_shapes(decision.ticket, policy),
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
                "kind": type(each).__name__,
                "sentence": sentence(each, _zone(decision.ticket, policy)),
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
        say.line(f"Note: {say.clean(note)}.", fg="yellow")
    if before := told.before:
        where = f"on ticket {before.ticket}" if before.ticket else before.state
        say.line(f"Note: this very mail came in already as inbox {before.id} ({where}).", fg="yellow")
        say.line("Sent again it would get its 250 and nothing else. What follows is as if it were new.")
    _how_it_reads(told)
    _where_it_belongs(told)
    _which_rule(told, policy)
    _what_it_becomes(told, policy)
    _what_leaves(told)


def _how_it_reads(told: Told) -> None:
    mail, envelope = told.mail, told.envelope
    say.title("How it is read")
    named = f"{mail.sender} ({say.clean(mail.sender_name, 60)})" if mail.sender_name else mail.sender
    attached = ", ".join(f"{each.name} ({each.type}, {say.size(each.size)})" for each in mail.attachments)
    say.facts(
        [
            ("envelope", f"from {envelope.sender or '<> (null sender)'} to {', '.join(envelope.recipients)}"),
            ("sender", named if mail.sender else "none that can be trusted"),
            ("subject", mail.subject or "(none)"),
            ("language", LANGUAGES.get(mail.language, mail.language)),
            ("written by", f"a machine: {mail.automatic}" if mail.automatic else "a person, it seems"),
            ("authentication", AUTHENTICATION[mail.authentication]),
            ("attached", attached),
            ("remarks", ", ".join(mail.flags)),
            ("size", say.size(mail.size)),
        ]
    )
    for row in say.block(mail.visible, BODY).split("\n"):
        say.line(f"    | {row}".rstrip())


def _where_it_belongs(told: Told) -> None:
    verdict, ticket = told.filed.verdict, told.filed.decided.decision.ticket
    say.title("Where it belongs")
    if not _opens(told):
        say.line(f"  on ticket {ticket.number}: {say.clean(verdict.because)} ({verdict.confidence})")
        say.line(f"  filed as: {_direction(told.filed.decided.direction)}")
        _weighed(verdict)
        for event in told.filed.decided.decision.events:
            if not isinstance(event, ClocksSet):
                say.line(f"  so: {sentence(event, 'UTC')}")
        return
    say.line(f"  a new ticket: {say.clean(verdict.because)}")
    _weighed(verdict)
    if ticket.held_for:
        say.line(f"  held for {ticket.held_for}: no clock runs until an agent accepts or rejects it")
    if verdict.suggests:
        say.line(f"  may mean the sender's own {verdict.suggests}: shown to agents, it decides nothing")
    if verdict.number:
        say.line(
            f"  {verdict.number} was closed too long ago to be opened again; the new one is linked to it"
        )
    if verdict.claims:
        say.line(f"  it claims to be about {say.clean(verdict.claims)}: shown to agents, no authority")


def _weighed(verdict: Verdict) -> None:
    for each in verdict.weighed:
        mark = "counts" if each.counted else "does not count"
        say.line(f"    {each.kind} {say.clean(each.named)}: {mark}, {say.clean(each.why)}")


def _direction(direction: str) -> str:
    words = {"in": "the customer's words", "out": "an agent's answer, which goes to the customer"}
    return words.get(direction, "an internal note, which leaves for nobody")


def _which_rule(told: Told, policy: Policy) -> None:
    if not told.tried:
        say.title("Which rule")
        say.line("  none is asked: the ticket has its place already")
        return
    rules_print.show(told.tried, policy.version, len(policy.rules))
    for each in _routed(told):
        say.line(f"  so rule '{say.clean(each.rule)}' decides, because {say.clean(each.because, 300)}")


def _what_it_becomes(told: Told, policy: Policy) -> None:
    ticket = told.filed.decided.decision.ticket
    zone = _zone(ticket, policy)
    say.title("What it becomes")
    say.facts(_facts(told, ticket, policy))
    say.title(f"Deadlines, by the team's calendar ({zone})")
    deadlines = deadline_shapes(ticket, policy)
    for deadline in deadlines:
        say.line(f"  {say.when(deadline['due_at'], zone)}  {say.clean(deadline['does'])}")
    if not deadlines:
        say.line("  none: no clock runs while it is not our turn")


def _facts(told: Told, ticket: Ticket, policy: Policy) -> list[tuple[str, object]]:
    example = "  (an example: the digits are drawn when it comes)" if _opens(told) else ""
    rated = f"urgency {ticket.urgency}, complexity {ticket.complexity}"

    def by(name: str) -> str:
        return rules_print.setter(told.tried, name)

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
    because = next((each.because for each in given), "")
    return f"{whom} ({because})" if because else whom


def _routed(told: Told) -> list[TicketRouted]:
    return [each for each in told.filed.decided.decision.events if isinstance(each, TicketRouted)]


def _what_leaves(told: Told) -> None:
    say.title("What would be sent")
    for each in told.sends:
        subject = f"can't be written: {each.refused}" if each.refused else each.subject
        say.line(f"  {each.notice.name:<16}to {say.clean(each.notice.to)}: {say.clean(subject, 120)}")
    if told.suppressed:
        say.line(f"  no acknowledgement: {say.clean(told.suppressed)}", fg="yellow")
    elif not told.sends:
        say.line("  nothing")
    say.line("\nNothing was changed.", dim=True)
