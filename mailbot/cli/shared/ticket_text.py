"""A ticket's heading, its links to others, and why a message is on it, for people."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from mailbot.cli.shared.output import clean, echo_hanging, on_terminal
from mailbot.domain import reasons
from mailbot.domain.matching import Confidence
from mailbot.domain.model import Ticket
from mailbot.store import queries
from mailbot.store.codec import match_of
from mailbot.views.link_text import relations


def describe_links(links: Sequence[queries.Link], number: str) -> list[tuple[str, str]]:
    """Return (relation, numbers of the others) of this ticket. Links that no longer hold are marked."""
    texts: dict[str, list[str]] = {}
    for (_, relation), other, now in relations(links, number):
        texts.setdefault(relation, []).append(other if now else f"{other} (no longer)")
    return [(relation, ", ".join(others)) for relation, others in texts.items()]


def describe_match(evidence: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return why a message belongs to its ticket and how sure that is, then the clues that did not count."""
    match = match_of(evidence)
    confidence = f" ({match.confidence})" if match.confidence is not Confidence.NONE else ""
    others = [clue for clue in match.clues if not clue.counted]
    return f"{match.reason}{confidence}", [f"{reasons.of(c.kind)} {c.named}: {c.reason}" for c in others]


def print_heading(ticket: Ticket, status: str = "") -> None:
    """Print the number, the status where one is given, and the subject."""
    number = click.style(ticket.number, bold=True) if on_terminal() else ticket.number
    subject = clean(ticket.subject) or "(no subject)"
    echo_hanging("  ".join(filter(None, (number, status, subject))), len(ticket.number) + 2)
