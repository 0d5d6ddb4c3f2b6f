"""Ticket numbers as people type them: any spelling, and what was meant when there is no such ticket."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from mailbot.cli.shared.open_store import OpenStore, fail
from mailbot.cli.shared.output import clean
from mailbot.domain import ticket_number
from mailbot.domain.model import Ticket
from mailbot.store import queries


def normalise_number(text: str | Sequence[str]) -> str:
    """The number as it is kept; when the text is none, as it was typed, which no ticket has."""
    typed = text if isinstance(text, str) else " ".join(text)
    return ticket_number.normalise(typed) or clean(typed)


def require_number(at: OpenStore, text: str | Sequence[str]) -> str:
    """The number that the text is, else exit 1 with what may be meant."""
    number = normalise_number(text)
    return number if ticket_number.normalise(number) else fail(unknown_number_text(at, number))


def find_ticket(at: OpenStore, text: str | Sequence[str]) -> Ticket:
    """The ticket with this number, else exit 1 with what may be meant."""
    number = require_number(at, text)
    return at.store.read_now(queries.ticket, number) or fail(unknown_number_text(at, number))


def unknown_number_text(at: OpenStore, number: str) -> str:
    """Why there is no such ticket, in words."""
    if ticket_number.normalise(number):
        return f"there is no ticket {number} in this store"
    example = ticket_number.make(next(iter(at.policy.mailboxes.values())).prefix, "48217390")
    return f"{clean(number, 60)!r} is no ticket number, which looks like {example}{_meant(at, number)}"


def _meant(at: OpenStore, typed: str) -> str:
    """A slip in the check digit: the tickets that have the other digits."""
    prefixes = {box.prefix for box in at.policy.mailboxes.values()}
    mistyped = ticket_number.find(typed, prefixes).mistyped
    stems = ["-".join(each.split("-")[:2]) for each in mistyped]
    meant = [number for stem in stems for number in at.store.read_now(queries.numbers_like, f"{stem}-")]
    wrong = " (the check digit is wrong)" if mistyped else ""
    return wrong + (f"\ndid you mean {' or '.join(meant)}?" if meant else "")


def suggest_name(typed: str, known: Iterable[str]) -> str:
    """A hint for a mistyped name."""
    names = sorted(known)
    found = get_close_matches(typed, names, 1)
    if found:
        return f"\ndid you mean {found[0]}?"
    return f"\nthere are: {', '.join(names)}" if len(names) <= 20 else ""
