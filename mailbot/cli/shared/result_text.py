"""What a command did to tickets, and what one ticket has to do with others, in words and as JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from mailbot.cli.shared import ticket_lookup
from mailbot.cli.shared.event_text import event_text
from mailbot.cli.shared.json_form import events_json, ticket_json
from mailbot.cli.shared.open_store import OpenStore, fail
from mailbot.cli.shared.output import clean, echo, format_time, on_terminal
from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import Clue, Confidence
from mailbot.domain.model import Ticket
from mailbot.operations import ticket_commands as acting
from mailbot.store import queries, tickets
from mailbot.store.codec import match_of

COLOURS = {"new": "yellow", "open": "yellow", "waiting": "cyan", "closed": "green", "merged": "blue"}

# (kind of link, does this ticket point at the other?) -> what the other one is to it
_SAID = {
    ("follows", True): "goes on from",
    ("follows", False): "goes on in",
    ("claims", True): "claims to be about",
    ("claims", False): "is claimed, without proof, by",
    ("suggests", True): "may mean",
    ("suggests", False): "may be meant by",
    ("held_for", True): "held for",
    ("held_for", False): "unconfirmed, held apart",
    ("merged_into", True): "merged into",
    ("merged_into", False): "merged from",
    ("split_from", True): "split from",
    ("split_from", False): "split into",
}


def describe_links(found: list[queries.Link], number: str) -> list[tuple[str, str]]:
    """(what the others are to this ticket, their numbers), those that hold no longer marked."""
    said: dict[str, list[str]] = {}
    held = {each.other for each in found if each.kind == "held_for" and each.ticket == number}
    for each in found:
        here = each.ticket == number
        other = each.other if here else each.ticket
        if each.kind == "claims" and (other in held if here else _is_held(found, each)):
            continue  # what is held says the same
        word = _SAID[each.kind, here]
        said.setdefault(word, []).append(other if each.now else f"{other} (no longer)")
    return [(word, ", ".join(others)) for word, others in said.items()]


def _is_held(found: list[queries.Link], claim: queries.Link) -> bool:
    return any(
        (each.kind, each.ticket, each.other) == ("held_for", claim.ticket, claim.other) for each in found
    )


def describe_match(evidence: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return why a message is where it is and how sure that is, then the clues that did not decide."""
    match = match_of(evidence)
    confidence = f" ({match.confidence})" if match.confidence is not Confidence.NONE else ""
    others = [clue for clue in match.clues if not clue.counted]
    return f"{match.reason}{confidence}", [clue_text(clue) for clue in others]


def clue_text(clue: Clue) -> str:
    return f"{reasons.of(clue.kind)} {clue.named}: {clue.reason}"


def print_heading(found: Ticket) -> None:
    state = click.style(found.status, fg=COLOURS[found.status], bold=True) if on_terminal() else found.status
    echo(f"{found.number}  {state}  {clean(found.subject) or '(no subject)'}")


def find_actor(at: OpenStore, agent: str | None) -> Actor:
    """Return who acts; exit 1 when --as names no agent."""
    if agent is None:
        return acting.operator()
    address = agent.strip().lower()
    if address not in at.policy.agents:
        hint = ticket_lookup.suggest_name(address, at.policy.agents)
        fail(f"--as {clean(address)}: no agent of any team has this address{hint}")
    return Actor.agent(address)


def decision_json(at: OpenStore, decision: Decision) -> dict[str, Any]:
    """A decision that was recorded, for --json."""
    found = decision.ticket
    first = found.events - len(decision.events)
    recorded = [
        tickets.RecordedEvent(first + n, at.policy.version, each) for n, each in enumerate(decision.events, 1)
    ]
    sends = [{"kind": notice.name, "to": notice.to} for notice in decision.notices]
    armed = at.store.read_now(queries.deadline, found.number)
    events = events_json(recorded, at.zone(found.team))
    return {**ticket_json(found, armed), "events": events, "sends": sends}


def print_decision(at: OpenStore, decision: Decision, due_at: datetime | None) -> None:
    """The same for people."""
    found = decision.ticket
    zone = at.zone(found.team)
    print_heading(found)
    for event in decision.events:
        echo(f"  {event_text(event, zone)}")
    for notice in decision.notices:
        echo(f"  mail to {clean(notice.to)} is in line ({notice.name})")
    echo(f"  next deadline: {format_time(due_at, zone) or 'none'}")
