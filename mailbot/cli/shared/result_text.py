"""What a command did to tickets, and how a ticket is linked to others, for people and as JSON."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from mailbot.cli.shared.event_text import event_text
from mailbot.cli.shared.formats import format_time
from mailbot.cli.shared.open_store import OpenStore
from mailbot.cli.shared.output import clean, echo, on_terminal
from mailbot.cli.shared.record_json import events_json, ticket_json
from mailbot.cli.shared.ticket_lookup import check_agent
from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.domain.acts.agent_act import leaves_at, waits
from mailbot.domain.closing.causes import remark
from mailbot.domain.events import TicketClosed
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import Confidence
from mailbot.domain.model import Ticket
from mailbot.domain.notices import recipient_of
from mailbot.operations import ticket_commands
from mailbot.store import queries, tickets
from mailbot.store.codec import match_of
from mailbot.store.lists import ticket_list

COLOURS = {
    "new": "yellow",
    "open": "yellow",
    "waiting": "cyan",
    "closed": "green",
    "merged": "blue",
    "filed": "blue",
}

# kind of link -> (what the other is to the ticket that points at it, what the pointing one is to the other)
LINK_TEXTS = {
    "follows": ("goes on from", "goes on in"),
    "claims": ("claims to be about", "is claimed, without proof, by"),
    "suggests": ("may mean", "may be meant by"),
    "mentions": ("mentions, without taking part,", "is mentioned by"),
    "held_for": ("held for", "unconfirmed, held apart"),
    "merged_into": ("merged into", "merged from"),
    "split_from": ("split from", "split into"),
}


def describe_links(links: Sequence[queries.Link], number: str) -> list[tuple[str, str]]:
    """Return (relation, numbers of the others) of this ticket. Links that no longer hold are marked."""
    texts: dict[str, list[str]] = {}
    held = {(link.ticket, link.other) for link in links if link.kind == "held_for"}
    for link in links:
        if link.kind == "claims" and (link.ticket, link.other) in held:
            continue  # "held for" says the same
        points = link.ticket == number
        other = link.other if points else link.ticket
        relation = LINK_TEXTS[link.kind][0 if points else 1]
        texts.setdefault(relation, []).append(other if link.now else f"{other} (no longer)")
    return [(relation, ", ".join(others)) for relation, others in texts.items()]


def describe_match(evidence: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return why a message belongs to its ticket and how sure that is, then the clues that did not count."""
    match = match_of(evidence)
    confidence = f" ({match.confidence})" if match.confidence is not Confidence.NONE else ""
    others = [clue for clue in match.clues if not clue.counted]
    return f"{match.reason}{confidence}", [f"{reasons.of(c.kind)} {c.named}: {c.reason}" for c in others]


def print_heading(ticket: Ticket) -> None:
    status = ticket.status
    shown = click.style(status, fg=COLOURS[status], bold=True) if on_terminal() else status
    echo(f"{ticket.number}  {shown}  {clean(ticket.subject) or '(no subject)'}")


def find_actor(opened: OpenStore, agent: str | None) -> Actor:
    """Return who acts. Exit 1 when --as names no agent."""
    return ticket_commands.operator() if agent is None else Actor.agent(check_agent(opened, "--as", agent))


def decision_json(opened: OpenStore, decision: Decision) -> dict[str, Any]:
    """Return a recorded decision as JSON: the ticket, the new events, the mails."""
    ticket = decision.ticket
    first = ticket.events - len(decision.events)
    recorded = [
        tickets.RecordedEvent(first + n, opened.policy.version, event)
        for n, event in enumerate(decision.events, 1)
    ]
    return {
        **ticket_json(ticket, opened.store.read_now(ticket_list.deadline, ticket.number)),
        "events": events_json(recorded, opened.zone(ticket.team)),
        "sends": [{"kind": notice.name, "to": recipient_of(notice)} for notice in decision.notices],
    }


def print_decision(opened: OpenStore, decision: Decision, due_at: datetime | None) -> None:
    """Print the same for people."""
    zone = opened.zone(decision.ticket.team)
    print_heading(decision.ticket)
    for event in decision.events:
        echo(f"  {event_text(event, zone)}")
    leaves = leaves_at(decision, opened.policy)
    waiting = [notice for notice in decision.notices if leaves and waits(notice)]
    for notice in decision.notices:
        until = f" and leaves at {format_time(leaves, zone)}" if notice in waiting else ""
        echo(f"  mail to {clean(recipient_of(notice))} is in the outbox ({notice.name}){until}")
    if waiting:
        agent = decision.events[0].by.name
        echo(f"  until then: mailbot ticket undo {decision.ticket.number} --as {agent}")
    is_closed = any(isinstance(event, TicketClosed) for event in decision.events)
    if is_closed and (missing := remark(decision.ticket, opened.policy)):
        echo(f"  {missing}: mailbot ticket set {decision.ticket.number} --cause CAUSE")
    echo(f"  next deadline: {format_time(due_at, zone) or 'none'}")
