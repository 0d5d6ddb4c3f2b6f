"""Read mail from files: .eml, Maildir, mbox. Each mail gets an envelope from its header."""

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


def list_files(place: Path) -> list[Path]:
    """List the mail files in a folder and below, sorted. A single file is returned as it is."""
    if place.is_file():
        return [place]
    return sorted(path for path in place.rglob("*") if path.is_file() and _is_mail(path))


def _is_mail(path: Path) -> bool:
    return path.suffix.lower() in (".eml", ".mbox") or path.parent.name in _MAILDIR


def read_mails(path: Path, place: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (name for people, raw mail) for each mail in a file."""
    name = str(path.relative_to(place)) if path != place else path.name
    with path.open("rb") as file:
        if file.read(5) != b"From ":
            file.seek(0)
            yield name, file.read(LARGEST)
            return
        file.seek(0)
        for number, raw in enumerate(_split_mbox(file), 1):
            yield f"{name}:{number}", raw


def _split_mbox(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the mails behind lines that begin with "From " after an empty line (RFC 4155)."""
    mail: list[bytes] = []
    empty = True
    for line in lines:
        if empty and line.startswith(b"From "):
            if mail:
                yield _unquote(mail)
            mail = []
        else:
            mail.append(line)
        empty = not line.strip()
    if mail:
        yield _unquote(mail)


def _unquote(lines: list[bytes]) -> bytes:
    return _QUOTED.sub(rb"\1", b"".join(lines)[:LARGEST])


def build_envelope(raw: bytes, now: datetime) -> Envelope:
    """Build the envelope from the header, where servers record it (see `mail.parsing.envelope`).

    The time is that of the topmost Received, else of Date, else `now`.
    """
    sender, recipients = sender_and_recipients(raw, bool)
    return Envelope(sender, recipients, "", _received_at(raw) or now)


def _received_at(raw: bytes) -> datetime | None:
    head, _ = header_fields.read(raw, 0, len(raw))
    for text in (head.get("received").rpartition(";")[2], head.get("date")):
        try:
            at = parsedate_to_datetime(text.strip()[:200])
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None
