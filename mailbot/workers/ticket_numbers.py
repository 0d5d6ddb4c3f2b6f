"""Draws numbers for new tickets."""

import secrets
from collections.abc import Sequence

from sqlalchemy import Connection

from mailbot.domain import ticket_number
from mailbot.domain.policy import Mailbox
from mailbot.store import tickets


def draw_numbers(connection: Connection, boxes: Sequence[Mailbox]) -> list[str]:
    """Draw a ticket number for each mailbox that no ticket ever had.

    Numbers are random, so that no one can be guessed and no ticket counted. The table's key settles races.
    """
    numbers = [_random_number(box) for box in boxes]
    taken = tickets.given_numbers(connection, numbers)
    used: set[str] = set()
    for position, box in enumerate(boxes):
        while numbers[position] in taken or numbers[position] in used:
            numbers[position] = _random_number(box)
            taken |= tickets.given_numbers(connection, [numbers[position]])
        used.add(numbers[position])
    return numbers


def _random_number(box: Mailbox) -> str:
    return ticket_number.make(box.prefix, f"{secrets.randbelow(10**box.digits):0{box.digits}d}")
