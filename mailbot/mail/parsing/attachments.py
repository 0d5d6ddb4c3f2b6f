"""What came along with the text: safe names, types by content, digests."""

import hashlib
import re
import unicodedata

import filetype

from mailbot.domain.model import Attachment
from mailbot.mail.parsing import charsets, encoded_words
from mailbot.mail.parsing.header_fields import VALUE_LIMIT
from mailbot.mail.parsing.mime_tree import Part

NAME_LIMIT = 150
_RAW_NAME_LIMIT = 1000
_LOOKED_AT = 8192  # bytes from which the type is told

# What a content of these types always begins with is known, so a claim that filetype can't confirm is wrong.
_PROVABLE = ("image/", "audio/", "video/", "font/")
_CANNOT_BE_SEEN = frozenset({"image/svg+xml"})
_EXTENSIONS = {
    "application/pdf": ".pdf",
    "image/gif": ".gif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "message/delivery-status": ".txt",
    "message/rfc822": ".eml",
    "text/calendar": ".ics",
    "text/csv": ".csv",
    "text/html": ".html",
    "text/plain": ".txt",
    "text/rfc822-headers": ".txt",
}
# Runs on a double click, or is a known carrier: kept, but nobody should open it unasked.
_DANGEROUS = frozenset(
    """
    ace apk app bat chm cmd com cpl dll exe hta img inf iso jar js jse lnk mht msc msi msp ps1 reg
    scr sct sh url vbe vbs vhd vhdx wsc wsf wsh xll
    """.split()  # noqa: SIM905 - words in rows can be read
)
_DANGEROUS_TYPES = frozenset({"application/x-msdownload", "application/x-executable", "application/x-msi"})
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,80}\Z")


def read(part: Part, content: bytes) -> Attachment:
    kind = type_of(content, part.type)
    digest = hashlib.sha256(content).hexdigest()
    return Attachment(_name(part, kind), kind, len(content), digest, content)


def type_of(content: bytes, declared: str) -> str:
    """The type as the content shows it; where that shows nothing, the declared one unless it is refuted."""
    try:
        seen = filetype.guess_mime(content[:_LOOKED_AT])  # type: ignore[no-untyped-call]
    except Exception:  # reading is total, and its matchers index into bytes that an attacker chose
        seen = None
    if seen and not (seen == "image/bmp" and b"\0" not in content[:_LOOKED_AT]):  # a text may begin with "BM"
        return str(seen)
    refuted = declared.startswith(_PROVABLE) and declared not in _CANNOT_BE_SEEN
    if refuted or declared == "application/pdf" or not _TYPE.match(declared):
        return "application/octet-stream"
    return declared


def is_dangerous(attachment: Attachment) -> bool:
    """Is this of a kind that runs when opened? Such a thing is kept and not handed on unasked."""
    extension = attachment.name.rpartition(".")[2].lower()
    return extension in _DANGEROUS or attachment.type in _DANGEROUS_TYPES


def file_name(part: Part) -> str:
    """The name that the sender gave the part, as it stands; "" when there is none."""
    value = part.fields.get("content-disposition")
    name = encoded_words.parameters(value[:VALUE_LIMIT]).get("filename", "") if ";" in value else ""
    return (name or part.parameters.get("name", ""))[:_RAW_NAME_LIMIT]


def safe_name(raw: str) -> str:
    """The last path component of `raw` without control and format (bidi, zero width) characters, at most 150
    characters with the extension kept; "" when nothing is left."""
    text = charsets.clean_line(encoded_words.decoded(raw), _RAW_NAME_LIMIT)
    if not text.isascii():
        text = "".join(c for c in text if unicodedata.category(c)[0] != "C")
    name = text.replace("\\", "/").rpartition("/")[2].strip(" .") or ""
    if len(name) > NAME_LIMIT:
        stem, dot, extension = name.rpartition(".")
        tail = dot + extension if stem and len(extension) <= 10 else ""
        name = name[: NAME_LIMIT - len(tail)].rstrip() + tail
    return name


def _name(part: Part, kind: str) -> str:
    name = safe_name(file_name(part))
    if name:
        return name
    stem = "message" if kind.startswith("message/") else "attachment"
    return stem + _EXTENSIONS.get(kind, ".bin")
