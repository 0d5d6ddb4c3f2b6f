"""Mails that lie in files: .eml, Maildir, mbox; each with an envelope made of its header."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from mailbot.domain.model import Envelope
from mailbot.mail.parsing import header_fields
from mailbot.mail.parsing.envelope import sender_and_recipients

LARGEST = 64 * 1024 * 1024  # bytes of a mail that are read
_MAILDIR = ("cur", "new")
_QUOTED = re.compile(rb"(?m)^>(>*From )")


def files(place: Path) -> list[Path]:
    """The files of mail in a folder and the folders below it, sorted; a file stands for itself."""
    if place.is_file():
        return [place]
    return sorted(path for path in place.rglob("*") if path.is_file() and _is_mail(path))


def _is_mail(path: Path) -> bool:
    return path.suffix.lower() in (".eml", ".mbox") or path.parent.name in _MAILDIR


def mails(path: Path, place: Path) -> Iterator[tuple[str, bytes]]:
    """(name for people, raw mail) for each mail in a file."""
    name = str(path.relative_to(place)) if path != place else path.name
    with path.open("rb") as file:
        if file.read(5) != b"From ":
            file.seek(0)
            yield name, file.read(LARGEST)
            return
        file.seek(0)
        for number, raw in enumerate(_mbox(file), 1):
            yield f"{name}:{number}", raw


def _mbox(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Mails behind lines that begin with "From " after an empty one (RFC 4155)."""
    mail: list[bytes] = []
    empty = True
    for line in lines:
        if empty and line.startswith(b"From "):
            if mail:
                yield _unquoted(mail)
            mail = []
        else:
            mail.append(line)
        empty = not line.strip()
    if mail:
        yield _unquoted(mail)


def _unquoted(lines: list[bytes]) -> bytes:
    return _QUOTED.sub(rb"\1", b"".join(lines)[:LARGEST])


def envelope(raw: bytes, now: datetime) -> Envelope:
    """What the dialogue may have said, as servers note it in the header (`mail.parsing.envelope`), at the moment of
    the topmost Received, else of Date, else `now`."""
    sender, recipients = sender_and_recipients(raw, bool)
    return Envelope(sender, recipients, "", _moment(raw) or now)


def _moment(raw: bytes) -> datetime | None:
    head, _ = header_fields.read(raw, 0, len(raw))
    for text in (head.get("received").rpartition(";")[2], head.get("date")):
        try:
            at = parsedate_to_datetime(text.strip()[:200])
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None
