"""A mail that nobody sent, made up from a few words: for the admins' tests and for `explain -`.

It is written as bytes and read back by `parse`, so that all that decides about a real mail decides about it.
"""

import hashlib
import re
from collections.abc import Iterable

from mailbot.domain.model import Attachment

_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:From |[!-9;-~]{1,76}:)")
# What `mail.attachments` finds in files of these endings.
_TYPES = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
    "heic": "image/heic", "svg": "image/svg+xml", "pdf": "application/pdf", "txt": "text/plain",
    "csv": "text/csv", "html": "text/html", "htm": "text/html", "zip": "application/zip",
    "mp4": "video/mp4", "mp3": "audio/mpeg", "eml": "message/rfc822", "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip


def written(
    sender: str, recipient: str, subject: str, body: str, headers: Iterable[tuple[str, str]] = ()
) -> bytes:
    """The mail as bytes, in UTF-8 throughout; line ends inside of a header's value are spaces."""
    lines = [("From", sender), ("To", recipient), ("Subject", subject), *headers]
    head = "".join(f"{name}: {' '.join(value.split())}\r\n" for name, value in lines)
    kind = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit"
    text = "\r\n".join(body.splitlines())
    return f"{head}{kind}\r\n\r\n{text}\r\n".encode("utf-8", "replace")


def has_header(raw: bytes) -> bool:
    """Does it begin like a mail? Else it is a text alone."""
    first, _, rest = raw.lstrip(b"\r\n").partition(b"\n")
    if not _HEADER.match(first):
        return False
    # "Halo admin: saldo saya ..." begins like a header field, but no second one and no empty line follow.
    second = rest.partition(b"\n")[0].rstrip(b"\r")
    return not second or second[:1] in b" \t" or _HEADER.match(second) is not None


def attachment(name: str) -> Attachment:
    """A file of which only the name is known."""
    kind = _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
    return Attachment(name, kind, 0, hashlib.sha256().hexdigest())
