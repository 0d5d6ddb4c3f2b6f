"""Compute a fingerprint that is the same however often, and on whatever route, a mail is delivered."""

import hashlib
import re

# Written by the hosts on the route, so they differ between two deliveries of the same mail.
_TRACE = re.compile(
    rb"(?:received|return-path|delivered-to|x-original-to|envelope-to|x-envelope-to|authentication-results"
    rb"|received-spf|x-received|arc-[a-z-]+|x-spam[a-z-]*)[ \t]*:",
    re.IGNORECASE,
)
_MESSAGE_ID = re.compile(rb"message-id[ \t]*:\s*(\S+)", re.IGNORECASE)
_DATE = re.compile(rb"date[ \t]*:", re.IGNORECASE)
_BLANK = re.compile(rb"\n\r?\n")


def fingerprint(raw: bytes, day: str = "") -> str:
    """Return the SHA-256 in hexadecimal of the Message-ID and of the mail without its trace fields.

    Line ends and folding don't count, since hosts on the route may change both. `day` is mixed in when the
    mail has neither Message-ID nor Date. A machine's nightly "done" is a new mail each night, while a
    repeated delivery of it comes within the day.
    """
    head, body = _split(raw)
    kept = [line for line in _unfold(head).split(b"\n") if not _TRACE.match(line)]
    message_id = next((match[1] for line in kept if (match := _MESSAGE_ID.match(line))), b"")
    digest = hashlib.sha256(message_id)
    if not message_id and not any(map(_DATE.match, kept)):
        digest.update(day.encode("utf-8", "replace"))
    digest.update(b"\0" + b"\n".join(kept) + b"\n")
    digest.update(body.replace(b"\r\n", b"\n").rstrip(b"\n"))
    return digest.hexdigest()


def _split(raw: bytes) -> tuple[bytes, bytes]:
    if raw.startswith((b"\n", b"\r\n")):
        return b"", raw
    blank = _BLANK.search(raw)
    return (raw[: blank.start()], raw[blank.end() :]) if blank else (raw, b"")


def _unfold(head: bytes) -> bytes:
    return head.replace(b"\r\n", b"\n").replace(b"\n ", b" ").replace(b"\n\t", b" ").rstrip(b"\r\n")
