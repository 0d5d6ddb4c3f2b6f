"""Ticket numbers as people type them: any spelling, and a suggestion when there is no such ticket."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

import click

from mailbot.cli.shared.complete_stored import complete_number
from mailbot.cli.shared.open_store import OpenStore, fail
from mailbot.cli.shared.output import clean
from mailbot.cli.shared.rows import deleted_text
from mailbot.domain import ticket_number
from mailbot.domain.importing import old_numbers
from mailbot.domain.model import Ticket
from mailbot.store import queries
from mailbot.store.importing import aliases

# The parts of a number may be typed with spaces.
number_argument = click.argument("number", nargs=-1, required=True, shell_complete=complete_number)


def normalise_number(text: str | Sequence[str]) -> str:
    """Return the number as it is stored, or the text as typed when it is none: no ticket has that."""
    typed = text if isinstance(text, str) else " ".join(text)
    return ticket_number.normalise(typed) or clean(typed)


def require_number(opened: OpenStore, text: str | Sequence[str]) -> str:
    """Return the number that the text is, or that a number of a former desk means. Exit 1 when it is neither."""
    number = normalise_number(text)
    if ticket_number.normalise(number):
        return number
    found = opened.store.read_now(aliases.find, [old_numbers.key(number)])
    if len(found) > 1:
        listed = " and ".join(ticket for _, ticket in found)
        fail(f"{clean(number, 60)} was the number of several tickets: {listed}")
    return found[0][1] if found else fail(unknown_number_text(opened, number))


def find_ticket(opened: OpenStore, text: str | Sequence[str]) -> Ticket:
    """Find the ticket with this number. Exit 1 with a suggestion when there is none."""
    number = require_number(opened, text)
    typed = text if isinstance(text, str) else " ".join(text)
    return opened.store.read_now(queries.ticket, number) or fail(unknown_number_text(opened, number, typed))


def unknown_number_text(opened: OpenStore, number: str, typed: str = "") -> str:
    """Explain why there is no such ticket, with the number as it was typed."""
    if ticket_number.normalise(number):
        deleted_at = opened.store.read_now(queries.ticket_deleted_at, number)
        if deleted_at:
            return f"ticket {number} was {deleted_text(deleted_at)}"
        return f"there is no ticket {clean(typed, 60) or number} in this store"
    prefixes = [mailbox.prefix for mailbox in opened.policy.mailboxes.values()]
    example = ticket_number.make(prefixes[0], "48217390")
    text = f"{clean(number, 60)!r} is no ticket number, which looks like {example}"
    mistyped = ticket_number.find(number, set(prefixes)).mistyped
    if not mistyped:
        return text
    stems = ["-".join(wrong.split("-")[:2]) for wrong in mistyped]  # without the check digit
    similar = [known for stem in stems for known in opened.store.read_now(queries.numbers_like, f"{stem}-")]
    suggestion = f"\ndid you mean {' or '.join(similar)}?" if similar else ""
    return f"{text} (the check digit is wrong){suggestion}"


def suggest_name(typed: str, known: Iterable[str]) -> str:
    """Return a hint for a mistyped name, on a line of its own, or "" when there are too many to list."""
    names = sorted(known)
    if similar := get_close_matches(typed, names, 1):
        return f"\ndid you mean {similar[0]}?"
    return f"\nthere are: {', '.join(names)}" if len(names) <= 20 else ""


def check_agent(opened: OpenStore, option: str, address: str) -> str:
    """Return the address of an agent as it is stored. Exit 1 when no agent of any team has it."""
    address = address.strip().lower()
    if address and address not in opened.policy.agents:
        hint = suggest_name(address, opened.policy.agents)
        fail(f"{option} {clean(address)}: no agent of any team has this address{hint}")
    return address
