"""Assemble the text of a mail from its parts, and collect its attachments."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mailbot.domain.model import Attachment
from mailbot.mail.parsing import attachments, charsets, header_fields, html_links, mime_tree
from mailbot.mail.parsing.html_text import html_to_text
from mailbot.mail.parsing.mime_tree import Part, Structure

TEXT_LIMIT = 512 * 1024  # characters of text in all
_ENCODED_LIMIT = 4 * TEXT_LIMIT  # bytes of one part that are decoded for it
_PICTURES_LIMIT = 32 * 1024 * 1024  # bytes of HTML in which pictures are searched
_DATA_MARK = b";base64,"
_DATA = re.compile(rb"data:[\w.+-]{1,40}/[\w.+-]{1,60}(?:;[\w=.-]{1,60}){0,4};base64,[A-Za-z0-9+/=%\s]*")
_PICTURE = re.compile(r"\[cid:([^\]\s]{1,250})\]")

# Text that people don't read as text: it stays an attachment.
_ATTACHED_TEXT = frozenset(
    """
    text/calendar text/css text/csv text/directory text/javascript text/rfc822-headers text/vcard
    text/x-amp-html text/x-vcard text/xml
    """.split()  # noqa: SIM905 - words in rows can be read
)
_FLAGGED_TYPES = {
    "application/ms-tnef": "tnef",
    "application/vnd.ms-tnef": "tnef",
    "application/pgp-encrypted": "encrypted",
    "multipart/encrypted": "encrypted",
    "multipart/signed": "signed",
    "text/calendar": "calendar",
}
_SMIME = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})

Flags = dict[str, None]  # an ordered set


@dataclass(frozen=True, slots=True)
class Body:
    """`flags` name what was cut, unreadable or opaque, without duplicates, in order of appearance."""

    text: str
    attachments: tuple[Attachment, ...]
    flags: tuple[str, ...]


def read(raw: bytes, tree: Structure) -> Body:
    """Return the text and the attachments of the mail `raw`. Never raises: an unreadable part is flagged."""
    flags = dict.fromkeys(_type_flags(tree))
    attached = []
    for part in tree.parts:
        if _text_kind(part, tree.parts):
            continue
        try:
            attached.append(attachments.read(part, part.content(raw)))
        except Exception:  # parsing is total: the raw mail is stored, the part is flagged
            flags["unreadable-part"] = None
    names = {attachment.content_id: attachment.name for attachment in attached if attachment.content_id}
    texts = _texts(raw, tree.parts, names, flags)
    text = _join(texts, flags) or _forwarded_text(attached, flags)
    if "-----BEGIN PGP MESSAGE-----" in text:
        flags["encrypted"] = None
    if any(map(attachments.is_dangerous, attached)):
        flags["dangerous-attachment"] = None
    return Body(text, tuple(attached), tuple(flags))


def _type_flags(tree: Structure) -> Iterable[str]:
    for kind in (*tree.types, *(part.type for part in tree.parts)):
        if kind in _FLAGGED_TYPES:
            yield _FLAGGED_TYPES[kind]
    for part in tree.parts:
        if part.type in _SMIME:
            yield "signed" if part.parameters.get("smime-type", "").lower() == "signed-data" else "encrypted"


def _texts(raw: bytes, parts: tuple[Part, ...], names: Mapping[str, str], flags: Flags) -> list[str]:
    """Return the text of each text part. Plain parts are read first: HTML counts only if its alternatives
    are empty. `names` are those of the inline pictures by Content-ID.
    """
    texts: dict[int, str] = {}
    filled: set[int] = set()  # alternatives with a plain text
    budget = TEXT_LIMIT
    for kind in ("plain", "html"):
        for number, part in enumerate(parts):
            if _text_kind(part, parts) != kind or (kind == "html" and part.alternative in filled):
                continue
            text, used = _text(raw, part, budget, names, flags)
            budget -= used
            texts[number] = text
            if part.alternative and text.strip():
                filled.add(part.alternative)
    return [texts[number] for number in sorted(texts)]


def _text_kind(part: Part, parts: tuple[Part, ...]) -> str:
    """Return "plain" or "html" for a part of the mail's text, "" for an attachment."""
    if not part.type.startswith("text/") or part.type in _ATTACHED_TEXT:
        return ""
    disposition = part.fields.get("content-disposition")[:20].lower()
    if disposition.startswith("attachment"):
        return ""
    if len(parts) > 1 and attachments.declared_name(part):
        return ""
    return "html" if part.type == "text/html" else "plain"


def _text(raw: bytes, part: Part, budget: int, names: Mapping[str, str], flags: Flags) -> tuple[str, int]:
    """Return the text of one part and how much of `budget` it used, in characters of source (HTML with
    tags).
    """
    is_html = part.type == "text/html"
    try:
        source, cut = _source(raw, part) if budget else ("", True)
        cut = cut or len(source) > budget
        source = source[:budget]
        text, html_cut = html_to_text(source, names) if is_html else (_named_pictures(source, names), False)
        if cut or html_cut:
            flags["html-cut" if is_html else "text-cut"] = None
        return charsets.clean(text), len(source)
    except Exception:  # parsing is total: the raw mail is stored, the part is flagged
        flags["unreadable-part"] = None
        return "", 0


def _source(raw: bytes, part: Part) -> tuple[str, bool]:
    """Return the decoded text of a part, and whether it was too long. Pictures inside of HTML don't count."""
    limit = _ENCODED_LIMIT
    if part.type == "text/html" and part.end - part.start > TEXT_LIMIT:
        limit = _PICTURES_LIMIT
    content = part.content(raw, limit)
    if part.type == "text/html" and _DATA_MARK in content:
        content = _DATA.sub(b"data:", content)
    text = charsets.decode(content[:_ENCODED_LIMIT], part.parameters.get("charset", ""))
    return charsets.clean(text), part.end - part.start > limit or len(content) > _ENCODED_LIMIT


def _named_pictures(text: str, names: Mapping[str, str]) -> str:
    """Return a plain text with "[image: NAME]" where Outlook wrote "[cid:...]"."""
    if "[cid:" not in text:
        return text
    return _PICTURE.sub(lambda match: html_links.picture_name(match[1], names), text)


def _join(texts: list[str], flags: Flags) -> str:
    text = "\n\n".join(text.strip("\n") for text in texts if text.strip())
    if len(text) > TEXT_LIMIT:
        flags["text-cut"] = None
    return text[:TEXT_LIMIT]


def _forwarded_text(attached: list[Attachment], flags: Flags) -> str:
    """Return the text of the first attached mail: some senders forward a mail without a word of their own."""
    for attachment in attached:
        if attachment.type == "message/rfc822":
            raw = attachment.content
            top, start = header_fields.read(raw, 0, len(raw))
            tree = mime_tree.read(raw, top, start, len(raw))
            return _join(_texts(raw, tree.parts, {}, flags), flags)
    return ""
