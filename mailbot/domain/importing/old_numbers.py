"""Find numbers that another desk gave, in the exact form in which it wrote them.

- "[#123]" of FreeScout and osTicket, "[shop.example #123]" of RT: only with their brackets.
- "Ticket#2019001234" of Zammad and OTRS, with brackets or without.
- "TOKO-48217390-8" of another mailbot.

A form says nothing alone: the store knows which numbers there were.
"""

from itertools import islice

from mailbot.domain.routing.patterns import Pattern
from mailbot.domain.routing.text import plain

MOST = 10  # numbers that are read from one text
_LONGEST = 64 * 1024  # characters of a text that are searched
_BRACKETED = Pattern(r"\[[^\[\]#\r\n]{0,40}#[ ]?[A-Z0-9][A-Z0-9-]{0,29}\]")
_NAMED = Pattern(r"\b[A-Z]{2,20}#[ ]?[0-9]{1,30}\b")
_OF_MAILBOT = Pattern(r"\b[A-Z]{2,10}-[0-9]{8,12}-[0-9]\b")


def key(number: str) -> str:
    """Return the number as the store keeps it: one spelling for case, width and spaces."""
    return " ".join(plain(number).upper().split())


def find(text: str) -> tuple[str, ...]:
    """Return the keys of what may be such numbers, in order, at most ten. Linear."""
    if "#" not in text and "-" not in text:
        return ()
    simple = key(text[:_LONGEST])
    patterns = (_BRACKETED, _NAMED) if "#" in simple else ()
    found = (
        match.group()
        for pattern in (*patterns, _OF_MAILBOT)
        for match in islice(pattern.finditer(simple), MOST)
    )
    return tuple(dict.fromkeys(found))[:MOST]
