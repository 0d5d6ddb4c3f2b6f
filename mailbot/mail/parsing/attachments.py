"""Read attachments: safe names, types detected by content, digests."""

import hashlib
import re
import unicodedata

import filetype

from mailbot.domain.model import Attachment
from mailbot.mail.parsing import charsets, encoded_words, header_fields
from mailbot.mail.parsing.header_fields import VALUE_LIMIT
from mailbot.mail.parsing.mime_tree import Part

NAME_LIMIT = 150
_RAW_NAME_LIMIT = 1000
_CONTENT_ID_LIMIT = 250
_SUBJECT_LIMIT = 100
_SEPARATORS = re.compile(r"[/\\:*?\"<>|]+")
_DETECTION_BYTES = 8192

# filetype knows the first bytes of all these types, so a declared one that it can't confirm is wrong.
_DETECTABLE = ("image/", "audio/", "video/", "font/")
_UNDETECTABLE = frozenset({"image/svg+xml"})
_EXTENSIONS = {
    "application/pdf": ".pdf", "image/gif": ".gif", "image/jpeg": ".jpg", "image/png": ".png",
    "text/calendar": ".ics", "text/csv": ".csv", "text/html": ".html", "text/plain": ".txt",
    "text/rfc822-headers": ".txt", "message/delivery-status": ".txt", "message/rfc822": ".eml",
}  # fmt: skip
_TYPES = {extension[1:]: kind for kind, extension in reversed(_EXTENSIONS.items())}
# Files that run on a double click, or are known to carry malware. They are stored but flagged.
_DANGEROUS = frozenset(
    """
    ace apk app bat chm cmd com cpl dll exe hta img inf iso jar js jse lnk mht msc msi msp ps1 reg
    scr sct sh url vbe vbs vhd vhdx wsc wsf wsh xll
    """.split()  # noqa: SIM905 - words in rows can be read
)
_DANGEROUS_TYPES = frozenset({"application/x-msdownload", "application/x-executable", "application/x-msi"})
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,80}\Z")


def read(part: Part, content: bytes) -> Attachment:
    name = declared_name(part)
    if not name and part.type == "message/rfc822":
        name = _name_of_mail(content)
    return make(name, part.type, content, part.fields.get("content-id"))


def make(name: str, declared: str, content: bytes, content_id: str = "") -> Attachment:
    """Make an attachment of what its sender declared: nothing of it is believed.

    Without a declared type the extension of the name counts.
    """
    kind = detect_type(content, declared or _TYPES.get(name[-5:].rpartition(".")[2].lower(), ""))
    digest = hashlib.sha256(content).hexdigest()
    if content_id:
        content_id = charsets.clean_line(content_id, _CONTENT_ID_LIMIT).strip("<>")
    return Attachment(safe_name(name) or _stand_in(kind), kind, len(content), digest, content, content_id)


def detect_type(content: bytes, declared: str) -> str:
    """Return the type that the content shows, else the declared one unless the content refutes it."""
    try:
        detected = filetype.guess_mime(content[:_DETECTION_BYTES])  # type: ignore[no-untyped-call]
    except Exception:  # parsing is total, and filetype's matchers index into bytes that an attacker chose
        detected = None
    # A text may begin with "BM", as a bitmap does.
    if detected and not (detected == "image/bmp" and b"\0" not in content[:_DETECTION_BYTES]):
        return str(detected)
    refuted = declared.startswith(_DETECTABLE) and declared not in _UNDETECTABLE
    if refuted or declared == "application/pdf" or not _TYPE.match(declared):
        return "application/octet-stream"
    return declared


def is_dangerous(attachment: Attachment) -> bool:
    """Check whether this kind of file runs when it is opened."""
    extension = attachment.name.rpartition(".")[2].lower()
    return extension in _DANGEROUS or attachment.type in _DANGEROUS_TYPES


def declared_name(part: Part) -> str:
    """Return the file name as the sender declared it, unchecked, "" when there is none."""
    value = part.fields.get("content-disposition")
    name = encoded_words.parse_parameters(value[:VALUE_LIMIT]).get("filename", "") if ";" in value else ""
    return (name or part.parameters.get("name", ""))[:_RAW_NAME_LIMIT]


def safe_name(raw: str) -> str:
    """Return the last path component of `raw`, at most 150 characters with its extension kept.

    Control and format characters (bidi, zero width) are removed. It is "" when nothing is left.
    """
    text = encoded_words.decode_line(raw, _RAW_NAME_LIMIT)
    if not text.isascii():
        text = "".join(c for c in text if unicodedata.category(c)[0] != "C")
    name = text.replace("\\", "/").rpartition("/")[2].strip(" .") or ""
    if len(name) > NAME_LIMIT:
        stem, dot, extension = name.rpartition(".")
        tail = dot + extension if stem and len(extension) <= 10 else ""
        name = name[: NAME_LIMIT - len(tail)].rstrip() + tail
    return name


def _name_of_mail(content: bytes) -> str:
    """Return a file name from the subject of a mail, "" without one."""
    fields, _ = header_fields.read(content, 0, min(len(content), header_fields.BLOCK_LIMIT))
    subject = encoded_words.decode_line(fields.get("subject")[:VALUE_LIMIT], _SUBJECT_LIMIT)
    return f"{_SEPARATORS.sub('-', subject)}.eml" if subject else ""


def _stand_in(kind: str) -> str:
    stem = "message" if kind.startswith("message/") else "attachment"
    return stem + _EXTENSIONS.get(kind, ".bin")
