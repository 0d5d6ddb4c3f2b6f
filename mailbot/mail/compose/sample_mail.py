"""Write made-up mails for `explain -`, the admins' policy tests and the examples that an analysis found.

They are bytes that `parse` reads back, so everything that decides about a real mail decides about them.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from email.message import EmailMessage
from email.utils import format_datetime, formataddr

from mailbot.domain.model import Attachment
from mailbot.domain.routing.conditions import RoutingFacts

_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:From |[!-9;-~]{1,76}:)")
# The types that `mail.parsing.attachments` detects in files with these extensions.
_TYPES = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
    "heic": "image/heic", "svg": "image/svg+xml", "pdf": "application/pdf", "txt": "text/plain",
    "csv": "text/csv", "html": "text/html", "htm": "text/html", "zip": "application/zip",
    "mp4": "video/mp4", "mp3": "audio/mpeg", "eml": "message/rfc822", "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
# The first bytes by which `mail.parsing.attachments` detects a type.
_MAGIC_BYTES = {
    "application/pdf": b"%PDF-1.4\n",
    "image/png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "image/jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "image/gif": b"GIF89a\1\0\1\0",
    "application/zip": b"PK\3\4",
}
LARGEST_EXAMPLE = 1_000_000  # bytes; `explain --size` assumes more
_PADDING_LINE = 70  # characters
_HEADER_PADDING_LIMIT = 4_000  # bytes


def write_mail(
    sender: str, recipient: str, subject: str, body: str, headers: Iterable[tuple[str, str]] = ()
) -> bytes:
    """Write a mail in UTF-8; line ends inside a header's value become spaces."""
    lines = [("From", sender), ("To", recipient), ("Subject", subject), *headers]
    head = "".join(f"{name}: {' '.join(value.split())}\r\n" for name, value in lines)
    kind = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit"
    text = "\r\n".join(body.splitlines())
    return f"{head}{kind}\r\n\r\n{text}\r\n".encode("utf-8", "replace")


def has_header(raw: bytes) -> bool:
    """Check whether `raw` begins like a mail and not like a text alone."""
    first, _, rest = raw.lstrip(b"\r\n").partition(b"\n")
    if not _HEADER.match(first):
        return False
    # "Halo admin: saldo saya ..." begins like a header field, but no second field and no empty line follow.
    second = rest.partition(b"\n")[0].rstrip(b"\r")
    return not second or second[:1] in b" \t" or _HEADER.match(second) is not None


def sample_attachment(name: str) -> Attachment:
    """Make an empty attachment, its type by the extension of `name`."""
    kind = _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
    return Attachment(name, kind, 0, hashlib.sha256().hexdigest())


def write_example(facts: RoutingFacts) -> bytes:
    """Write a mail of which rules see `facts`, padded to `facts.size` bytes (longer if its text needs more).

    Facts that no mail holds are left out: who the customer is, when it comes in. So is a size above LARGEST_EXAMPLE.
    """
    facts = replace(facts, size=min(facts.size, LARGEST_EXAMPLE))
    bare = _example(facts).as_bytes()
    missing = facts.size - len(bare)
    if missing < 0:
        bare = _shortest_example(facts) or bare
        missing = facts.size - len(bare)
        return _pad_header(bare, facts.size) if 0 < missing <= _HEADER_PADDING_LIMIT else bare
    if not missing:
        return bare
    if missing <= _HEADER_PADDING_LIMIT:
        return _pad_header(bare, facts.size)
    mail = _example(facts)
    if not mail.is_multipart():
        mail.make_mixed()
    mail.epilogue = ""
    lines, rest = divmod(facts.size - len(mail.as_bytes()), _PADDING_LINE)
    mail.epilogue = ("x" * (_PADDING_LINE - 1) + "\n") * lines + "x" * rest
    return mail.as_bytes()


def _shortest_example(facts: RoutingFacts) -> bytes:
    """Write the same in the fewest bytes; b"" where that would not be a plain ASCII mail."""
    lines = (
        [f"From: {formataddr((facts.sender_name, facts.sender))}"] if facts.sender else ["Return-Path: <>"]
    )
    lines += [f"To: {facts.mailbox}", f"Subject: {facts.subject}"]
    lines += [f"{name}: {value}" for name, values in facts.headers.items() for value in values]
    plain = all(line.isprintable() for line in lines) and not facts.attachment_names
    text = "\n".join([*lines, "", facts.text])
    return text.encode() if plain and text.isascii() else b""


def _pad_header(raw: bytes, size: int) -> bytes:
    """Add an X-Padding field so that the mail has exactly `size` bytes."""
    head, _, body = raw.partition(b"\n\n")
    name = b"\nX-Padding: "
    missing = size - len(raw) - len(name)
    if missing < 0:
        return raw
    lines = b"\n ".join(b"x" * (_PADDING_LINE - 2) for _ in range(missing // _PADDING_LINE + 1))[:missing]
    if lines.endswith((b"\n", b"\n ")):
        lines = lines[:-2] + b"xx" if lines.endswith(b"\n ") else lines[:-1] + b"x"
    return head + name + lines + b"\n\n" + body


def _example(facts: RoutingFacts) -> EmailMessage:
    mail = EmailMessage()
    if facts.sender:
        mail["From"] = formataddr((facts.sender_name, facts.sender))
    else:
        mail["Return-Path"] = "<>"
    mail["To"] = facts.mailbox
    mail["Subject"] = facts.subject
    mail["Date"] = format_datetime(facts.local_time)
    for name, values in facts.headers.items():
        for value in values if name not in mail else ():
            mail.add_header(name, value)
    mail.set_content(facts.text)
    for name, kind in zip(facts.attachment_names, facts.attachment_types, strict=False):
        main, _, sub = kind.partition("/")
        main, sub = main or "application", sub or "octet-stream"
        mail.add_attachment(_MAGIC_BYTES.get(kind, b"example\n"), maintype=main, subtype=sub, filename=name)
    return mail
