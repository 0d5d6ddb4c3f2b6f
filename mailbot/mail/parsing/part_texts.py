"""Read the text parts of a mail: which part is text, which of two alternatives counts, where pictures were."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from mailbot.domain.model import Attachment
from mailbot.mail.parsing import alternatives, attachments, charsets, flowed, html_links, pasted_pictures
from mailbot.mail.parsing.alternatives import Choice
from mailbot.mail.parsing.hidden_text import hides_verbs
from mailbot.mail.parsing.html_text import html_to_text
from mailbot.mail.parsing.mime_tree import Part
from mailbot.mail.parsing.packages import rtf

TEXT_LIMIT = 512 * 1024  # characters of text in all
_ENCODED_LIMIT = 4 * TEXT_LIMIT  # bytes of one part that are decoded for it
_PICTURES_LIMIT = 32 * 1024 * 1024  # bytes of HTML in which pictures are searched

_LINK = re.compile(rb"href\s{0,9}=(?:3D)?\s{0,9}[\"']?http", re.IGNORECASE)
_PICTURE = re.compile(r"\[cid:([^\]\s]{1,250})\]")
_META = re.compile(rb"<meta\s[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_META_LIMIT = 2048  # bytes in which HTML names its charset, when its header field does not
_HTML_DOCUMENT = re.compile(r"\s{0,100}<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)
# Text that people don't read as text: it stays an attachment.
_ATTACHED_TEXT = frozenset(
    """
    text/calendar text/css text/csv text/directory text/javascript text/rfc822-headers text/vcard
    text/x-amp-html text/x-vcard text/xml
    """.split()  # noqa: SIM905 - words in rows can be read
)


@dataclass(slots=True)
class Reading:
    """What was found in a mail so far.

    - `flags`: what was cut, unreadable or opaque; an ordered set.
    - `budget`: how many characters of source (HTML with its tags) may still become text.
    """

    flags: dict[str, None] = field(default_factory=dict)
    attached: list[Attachment] = field(default_factory=list)
    budget: int = TEXT_LIMIT

    def names(self, first: int) -> dict[str, str]:
        """Return the names of the pictures for the text, by Content-ID, from the attachment `first` on."""
        return {file.content_id: file.name for file in self.attached[first:] if file.content_id}


def kinds(parts: Sequence[Part]) -> list[str]:
    """Return "plain" or "html" for each part of the mail's text, "" for an attachment."""
    return [_kind(part, alone=len(parts) == 1) for part in parts]


def _kind(part: Part, *, alone: bool) -> str:
    if not _is_text(part):
        return ""
    disposition = part.fields.get("content-disposition")[:20].lower()
    if disposition.startswith("attachment") or (not alone and attachments.declared_name(part)):
        return ""
    return "html" if part.type == "text/html" else "plain"


def lone_text(parts: Sequence[Part], blank: Collection[int]) -> Part | None:
    """Return the named or attached part that is the text of a mail whose text parts are `blank`, or None."""
    for number, part in enumerate(parts):
        if number in blank:
            continue
        attached = part.fields.get("content-disposition")[:20].lower().startswith("attachment")
        if _is_text(part) and (number == 0 or (part.type == "text/html" and not attached)):
            return part
    return None


def _is_text(part: Part) -> bool:
    """Check for a type that people read as text."""
    return part.type.startswith("text/") and part.type not in _ATTACHED_TEXT


def read(
    raw: bytes, parts: Mapping[int, tuple[str, Part]], names: dict[str, str], reading: Reading
) -> dict[int, str]:
    """Return the texts of `parts` (number -> kind, part) by number. `names` are those of pictures by Content-ID.

    Plain parts are read first: HTML counts only where its alternatives are empty, or a stub.
    """
    texts: dict[int, str] = {}
    filled: dict[int, list[int]] = {}  # alternative -> its plain parts with a text
    for number, (kind, part) in parts.items():
        if kind == "plain":
            texts[number] = read_part(raw, part, names, reading)
            if part.alternative and texts[number].strip():
                filled.setdefault(part.alternative, []).append(number)
    for number, (kind, part) in parts.items():
        if kind != "html":
            continue
        beside = filled.get(part.alternative, ())
        plain = "\n".join(texts[other] for other in beside if other in texts)
        if len(plain) <= alternatives.STUB_LIMIT or (
            alternatives.lacks_addresses(plain) and _may_have_links(raw, part)
        ):
            text = read_part(raw, part, names, reading)
            choice = alternatives.choose(plain, text) if beside else Choice.HTML
            if choice is Choice.HTML:
                for other in beside:
                    texts.pop(other, None)
            if choice is not Choice.PLAIN:
                texts[number] = text
        elif pasted_pictures.may_be_in(raw, part):
            source_of(raw, part, names, reading)
    return texts


def _may_have_links(raw: bytes, part: Part) -> bool:
    """Check for links to pages in HTML that is not decoded, and may be quoted-printable."""
    first = raw.find(b"href", part.start, part.end)  # the pattern alone would take ten times as long
    return first >= 0 and _LINK.search(raw, first, part.end) is not None


def read_part(raw: bytes, part: Part, names: dict[str, str], reading: Reading) -> str:
    """Return the text of one part. Never raises: a part that can't be read is flagged."""
    try:
        source, cut = source_of(raw, part, names, reading) if reading.budget else ("", True)
        is_html = part.type == "text/html" or _HTML_DOCUMENT.match(source) is not None
        cut = cut or len(source) > reading.budget
        source = source[: reading.budget]
        reading.budget -= len(source)
        if source.startswith("{\\rtf"):
            source, is_html = rtf.to_text(source.encode("utf-8", "replace"))
            source = charsets.clean(source)
        text, html_cut = html_to_text(source, names) if is_html else (_plain(part, source, names), False)
        if is_html and hides_verbs(source, text):
            reading.flags["hidden-verbs"] = None
        if cut or html_cut:
            reading.flags["html-cut" if is_html else "text-cut"] = None
        return charsets.clean(text) if is_html else text
    except Exception:  # parsing is total: the raw mail is stored, the part is flagged
        reading.flags["unreadable-part"] = None
        return ""


def source_of(raw: bytes, part: Part, names: dict[str, str], reading: Reading) -> tuple[str, bool]:
    """Return the decoded text of a part, and whether it was too long. Pictures inside of HTML don't count."""
    limit = _ENCODED_LIMIT
    if part.type == "text/html" and part.end - part.start > TEXT_LIMIT:
        limit = _PICTURES_LIMIT
    content = part.content(raw, limit)
    if part.type == "text/html":
        content = pasted_pictures.take_out(content, reading.attached, names)
    label = part.parameters.get("charset", "")
    if not label and part.type == "text/html" and (meta := _META.search(content[:_META_LIMIT])):
        label = meta[1].decode("ascii")
    text = charsets.decode(content[:_ENCODED_LIMIT], label)
    return charsets.clean(text), part.end - part.start > limit or len(content) > _ENCODED_LIMIT


def _plain(part: Part, text: str, names: Mapping[str, str]) -> str:
    """Return a plain text with whole paragraphs, and "[image: NAME]" where Outlook wrote "[cid:...]"."""
    if part.parameters.get("format", "").lower() == "flowed":
        text = flowed.join_lines(text, delete_space=part.parameters.get("delsp", "").lower() == "yes")
    if "[cid:" not in text:
        return text
    return _PICTURE.sub(lambda match: html_links.picture_name(match[1], names), text)
