"""Assemble the text of a mail from its parts, and collect its attachments.

Theory of operation. A part is text, an attachment, or a package: S/MIME around a signed mail, or Outlook's
winmail.dat. Packages are opened, and their content is read like the mail's own parts, down to a level. What
can't be opened stays an attachment, and a flag names it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from mailbot.domain.model import Attachment
from mailbot.mail.parsing import (
    attachments,
    charsets,
    header_fields,
    invitation,
    mime_tree,
    part_texts,
)
from mailbot.mail.parsing.html_text import html_to_text
from mailbot.mail.parsing.mime_tree import Part, Structure
from mailbot.mail.parsing.packages import cms, tnef
from mailbot.mail.parsing.part_texts import TEXT_LIMIT, Reading

LEVEL_LIMIT = 5  # mails inside of each other that are opened

_FLAGGED_TYPES = {
    "application/pgp-encrypted": "encrypted",
    "multipart/encrypted": "encrypted",
    "multipart/signed": "signed",
    "message/partial": "unreadable-part",  # the rest comes in other mails
    "message/external-body": "unreadable-part",
}
_CALENDAR = frozenset({"text/calendar", "application/ics"})
_SMIME = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})


@dataclass(frozen=True, slots=True)
class Body:
    """`flags` name what was cut, unreadable or opaque, without duplicates, in order of appearance."""

    text: str
    attachments: tuple[Attachment, ...]
    flags: tuple[str, ...]


def read(raw: bytes, tree: Structure) -> Body:
    """Return the text and the attachments of the mail `raw`. Never raises: an unreadable part is flagged."""
    reading = Reading()
    text = _read_mail(raw, tree, reading, 1)
    if len(text) > TEXT_LIMIT:
        reading.flags["text-cut"] = None
    if "-----BEGIN PGP MESSAGE-----" in text:
        reading.flags["encrypted"] = None
    if any(map(attachments.is_dangerous, reading.attached)):
        reading.flags["dangerous-attachment"] = None
    return Body(text[:TEXT_LIMIT], tuple(reading.attached), tuple(reading.flags))


def _read_mail(raw: bytes, tree: Structure, reading: Reading, level: int) -> str:
    """Return the text of a mail, or of one inside of it, and add its attachments to `reading`."""
    reading.flags |= dict.fromkeys(_FLAGGED_TYPES[kind] for kind in _types(tree) if kind in _FLAGGED_TYPES)
    first = len(reading.attached)
    signed: dict[int, str] = {}  # texts of signed mails, by number of the part
    packed: list[str] = []  # texts of winmail.dat, which repeat the mail's own
    text_parts: dict[int, tuple[str, Part]] = {}
    for number, (part, kind) in enumerate(zip(tree.parts, part_texts.kinds(tree.parts), strict=True)):
        if kind:
            text_parts[number] = kind, part
            continue
        content = _content(raw, part, reading)
        if content is None:
            continue
        if content.startswith(tnef.SIGNATURE):
            packed.append(_open_tnef(part, content, reading))
        elif (inside := _signed_mail(part, content, reading, level)) is not None:
            signed[number] = _read_inside(inside, reading, level + 1)
        else:
            reading.attached.append(attachments.read(part, content))
    names = reading.names(first)
    texts = part_texts.read(raw, text_parts, names, reading) | signed
    text = _join(texts[number] for number in sorted(texts)) or _join(packed)
    if not text and (lone := part_texts.lone_text(tree.parts, text_parts)):
        text = part_texts.read_part(raw, lone, names, reading).strip("\n")
    return _with_invitation(raw, tree, text or _forwarded_text(reading, first, level), reading)


def _types(tree: Structure) -> tuple[str, ...]:
    return (*tree.types, *(part.type for part in tree.parts))


def _content(raw: bytes, part: Part, reading: Reading) -> bytes | None:
    try:
        return part.content(raw)
    except Exception:  # parsing is total: the raw mail is stored, the part is flagged
        reading.flags["unreadable-part"] = None
        return None


def _read_inside(raw: bytes, reading: Reading, level: int) -> str:
    """Return the text of a mail inside of another one."""
    top, start = header_fields.read(raw, 0, len(raw))
    tree = mime_tree.read(raw, top, start, len(raw))
    if not tree.complete:
        reading.flags["too-complex"] = None
    return _read_mail(raw, tree, reading, level)


def _signed_mail(part: Part, content: bytes, reading: Reading, level: int) -> bytes | None:
    """Return the mail that S/MIME wrapped in its signature, None for any other attachment."""
    declared = part.type in _SMIME
    if not (declared or cms.begins(content)):
        return None
    kind, inside = cms.read(content)
    if kind is cms.Kind.ENCRYPTED or (kind is cms.Kind.OTHER and declared):
        reading.flags["encrypted"] = None
    if inside is None or not header_fields.read(inside, 0, len(inside))[0].get("content-type"):
        return None
    if level == LEVEL_LIMIT:
        reading.flags["too-complex"] = None
        return None
    reading.flags["signed"] = None
    return inside


def _open_tnef(part: Part, content: bytes, reading: Reading) -> str:
    """Return the text of winmail.dat. It is an attachment itself only when not all of it could be read."""
    message = tnef.read(content)
    if not message.complete:
        reading.flags["tnef"] = None
        reading.attached.append(attachments.read(part, content))
    return _read_message(message, reading)


def _read_message(message: tnef.Message, reading: Reading) -> str:
    first = len(reading.attached)
    for file in message.files:
        if file.message is None:
            made = attachments.make(file.name, file.type, file.content, file.content_id)
        else:
            text = _read_message(file.message, reading)
            made = attachments.make(
                f"{file.name or 'message'}.txt", "text/plain", text.encode("utf-8", "replace")
            )
        reading.attached.append(made)
    source = message.text[: reading.budget]
    reading.budget -= len(source)
    text, cut = html_to_text(source, reading.names(first)) if message.is_html else (source, False)
    if cut or len(source) < len(message.text):
        reading.flags["text-cut"] = None
    return charsets.clean(text)


def _with_invitation(raw: bytes, tree: Structure, text: str, reading: Reading) -> str:
    """Return `text` with the event of an invitation in the mail: the first one, since programs send it twice."""
    part = next((part for part in tree.parts if part.type in _CALENDAR), None)
    if part is None:
        return text
    reading.flags["calendar"] = None
    found = invitation.read(part.text(raw, 4 * invitation.SIZE_LIMIT))
    if found.method == "reply":
        reading.flags["calendar-reply"] = None
    known = "".join(text.split())
    description = "" if "".join(found.description.split()) in known else found.description
    return _join((text, found.text, description))


def _join(texts: Iterable[str]) -> str:
    return "\n\n".join(text.strip("\n") for text in texts if text.strip())


def _forwarded_text(reading: Reading, first: int, level: int) -> str:
    """Return the text of the first attached mail: some senders forward a mail without a word of their own."""
    for attachment in reading.attached[first:]:
        if attachment.type == "message/rfc822" and level < LEVEL_LIMIT:
            inside = Reading(reading.flags, [], reading.budget)
            reading.flags["attached-text"] = None
            return _read_inside(attachment.content, inside, level + 1)
    return ""
