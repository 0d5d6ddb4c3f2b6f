"""Check how long things are kept: no ticket goes while a reply could reopen it."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from mailbot.config.yaml import scalars
from mailbot.config.yaml.lookup import Files, find
from mailbot.config.yaml.source import Place
from mailbot.errors import Problem

REOPENED = timedelta(days=14)  # as the mailbox has it without `reopen_within`


def check(files: Files) -> Iterator[Problem]:
    """Report tickets that would be deleted while their customer may still reopen them."""
    for mailbox, entry in _mailboxes(files):
        place, span = _kept(files, mailbox, "closed_tickets")
        reopened = _span(entry.get("reopen_within"), scalars.duration) or REOPENED
        if span and span < reopened:
            message = f"a ticket is deleted after {_days(span)}, but a reply reopens it for {_days(reopened)}"
            hint = "keep closed tickets longer, or set the mailbox's `reopen_within` shorter"
            yield files.mailbot.at_value(place, message, hint)


def warnings(files: Files) -> Iterator[Problem]:
    """Warn about spans that have no effect, because what holds the thing goes before."""
    seen: set[Place] = set()
    for mailbox, _ in _mailboxes(files):
        for key, holder, why in (
            ("raw_mail", "closed_tickets", "the ticket is deleted with it"),
            ("attachments", "closed_tickets", "the ticket is deleted with them"),
            ("attempts", "closed_tickets", "the ticket is deleted with them"),
            ("raw_mail", "attachments", "the bytes of a mail with files hold the files, and go with them"),
        ):
            place, span = _kept(files, mailbox, key)
            _, first = _kept(files, mailbox, holder)
            if span and first and span > first and place not in seen:
                seen.add(place)
                message = f"{_days(span)} are longer than `{holder}`, {_days(first)}: {why}"
                yield files.mailbot.at_value(place, message)


def _mailboxes(files: Files) -> Iterator[tuple[Place, dict[str, object]]]:
    found = find(files.mailbot.data, "mailboxes", "*")
    return ((place, entry) for place, entry in found if isinstance(entry, dict))


def _kept(files: Files, mailbox: Place, key: str) -> tuple[Place, timedelta | None]:
    """Return how long a mailbox keeps a thing, and where that is written: with the mailbox, else on top."""
    own = find(files.mailbot.data, "mailboxes", "*", "retention", key)
    written = [each for each in own if each[0][:2] == mailbox]
    written += find(files.mailbot.data, "retention", key)
    return next(((place, _span(value)) for place, value in written), (mailbox, None))


def _span(value: object, read: Callable[[object], timedelta | None] = scalars.kept) -> timedelta | None:
    """Return the span; None for `no`, and for what is none: its own reader reports that."""
    try:
        return read(value)
    except ValueError:
        return None


def _days(span: timedelta) -> str:
    days = span / timedelta(days=1)
    return f"{days:.0f} days" if days >= 2 else f"{span / timedelta(hours=1):.0f} h"
