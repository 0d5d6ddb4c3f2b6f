"""Whose mail this is and for whom, from its header fields: for mail that comes without an SMTP dialogue."""

from collections.abc import Callable

from mailbot.mail.parsing import header_fields
from mailbot.mail.parsing.addresses import people
from mailbot.mail.parsing.header_fields import Fields

RECIPIENTS = 100
# The host that delivered the mail says best for whom it was; then whom the sender named.
_NAMED_IN = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to", "cc")


def addressed(raw: bytes, ours: Callable[[str], object]) -> tuple[str, tuple[str, ...]]:
    """The envelope's sender ("" is the null sender) and those recipients that `ours` takes, +tags kept.

    The sender is the topmost Return-Path (RFC 5321 4.4: the last host writes it), without one the address in
    From, "" when that is not exactly one: who can't be told is never answered.
    """
    head, _ = header_fields.read(raw, 0, len(raw))
    return _sender(head), _recipients(head, ours)


def _sender(head: Fields) -> str:
    paths, authors = head.all("return-path"), head.all("from")
    if paths:
        return next((person.address for person in people(paths[0])), "")
    if len(authors) != 1:
        return ""
    found = people(authors[0])
    return found[0].address if len(found) == 1 else ""


def _recipients(head: Fields, ours: Callable[[str], object]) -> tuple[str, ...]:
    named = (
        person.address
        for name in _NAMED_IN
        for value in head.all(name)
        for person in people(value)
        if person.address and ours(person.address)
    )
    return tuple(dict.fromkeys(named))[:RECIPIENTS]
