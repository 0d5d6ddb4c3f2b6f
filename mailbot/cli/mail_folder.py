"""Mails that lie in files: .eml, Maildir, mbox; each with an envelope made of its header."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses, parseaddr, parsedate_to_datetime
from pathlib import Path

from mailbot.core.model import Envelope

LARGEST = 64 * 1024 * 1024  # bytes of a mail that are read
HEADERS = 64 * 1024  # bytes in which the envelope's stand-ins are looked for
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
    """What the dialogue may have said, as servers note it in the header: Return-Path (RFC 5321 section 4.4),
    Delivered-To, the topmost Received; else From, To, Date; else `now`."""
    header = BytesHeaderParser().parsebytes(raw[:HEADERS])
    sender = header.get("Return-Path")
    if sender is None:
        sender = header.get("From", "")
    recipients = tuple(address for address in _addresses(header) if "@" in address)
    return Envelope(parseaddr(str(sender)[:1000])[1], recipients, "", _moment(header) or now)


def _addresses(header: "Message[str, str]") -> list[str]:
    names = ("Delivered-To", "X-Original-To", "To", "Cc")
    named = [str(value)[:4000] for name in names for value in header.get_all(name, [])[:20]]
    return [address for _, address in getaddresses(named)]


def _moment(header: "Message[str, str]") -> datetime | None:
    for text in (str(header.get("Received", "")).rpartition(";")[2], header.get("Date", "")):
        try:
            at = parsedate_to_datetime(str(text).strip()[:200])
        except (ValueError, OverflowError):
            continue
        try:
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        except OverflowError:
            continue
    return None
