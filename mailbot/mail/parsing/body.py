"""What a mail says and carries: its text, put together from the parts that hold it, and its attachments."""

from collections.abc import Iterable
from dataclasses import dataclass

from mailbot.domain.model import Attachment
from mailbot.mail.parsing import attachments, charsets, header_fields, mime_tree, transfer_encoding
from mailbot.mail.parsing.html_text import html_to_text
from mailbot.mail.parsing.mime_tree import Part, Structure

TEXT_LIMIT = 512 * 1024  # characters of text in all
_ENCODED_LIMIT = 4 * TEXT_LIMIT  # bytes of one part that are decoded for it

# Text that people don't read as text: it stays an attachment.
_NO_BODY = frozenset(
    """
    text/calendar text/css text/csv text/directory text/javascript text/rfc822-headers text/vcard
    text/x-amp-html text/x-vcard text/xml
    """.split()  # noqa: SIM905 - words in rows can be read
)
_NOT_OUR_TYPES = {
    "application/ms-tnef": "tnef",
    "application/vnd.ms-tnef": "tnef",
    "application/pgp-encrypted": "encrypted",
    "multipart/encrypted": "encrypted",
    "multipart/signed": "signed",
    "text/calendar": "calendar",
}
_SMIME = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})


@dataclass(frozen=True, slots=True)
class Body:
    """`flags` say what was cut, could not be read, or is opaque to us; each once, in order of appearance."""

    text: str
    attachments: tuple[Attachment, ...]
    flags: tuple[str, ...]


def read(raw: bytes, tree: Structure) -> Body:
    """The text and the attachments of the mail `raw`. Never raises: a part that can't be read is flagged."""
    flags = dict.fromkeys(_kinds(tree))
    texts = _texts(raw, tree.parts, flags)
    found = []
    for part in tree.parts:
        if _text_kind(part, tree.parts):
            continue
        try:
            found.append(attachments.read(part, _content(raw, part)))
        except Exception:  # reading is total (mail.md, point 1): the raw mail is kept, the part is flagged
            flags["unreadable-part"] = None
    text = _whole(texts, flags) or _embedded_text(found, flags)
    if "-----BEGIN PGP MESSAGE-----" in text:
        flags["encrypted"] = None
    if any(map(attachments.is_dangerous, found)):
        flags["dangerous-attachment"] = None
    return Body(text, tuple(found), tuple(flags))


def _kinds(tree: Structure) -> Iterable[str]:
    for kind in (*tree.types, *(part.type for part in tree.parts)):
        if kind in _NOT_OUR_TYPES:
            yield _NOT_OUR_TYPES[kind]
    for part in tree.parts:
        if part.type in _SMIME:
            yield "signed" if part.parameters.get("smime-type", "").lower() == "signed-data" else "encrypted"


def _texts(raw: bytes, parts: tuple[Part, ...], flags: dict[str, None]) -> list[str]:
    """The text of each part that holds some. Of several alternatives HTML counts only if no plain one says
    anything; the plain ones are read first to know."""
    texts: dict[int, str] = {}
    said: set[int] = set()
    budget = TEXT_LIMIT
    for wanted in ("plain", "html"):
        for number, part in enumerate(parts):
            if _text_kind(part, parts) != wanted or (wanted == "html" and part.choice in said):
                continue
            text, read = _text(raw, part, budget, flags)
            budget -= read
            texts[number] = text
            if part.choice and text.strip():
                said.add(part.choice)
    return [texts[number] for number in sorted(texts)]


def _text_kind(part: Part, parts: tuple[Part, ...]) -> str:
    """ "plain" or "html" for a part that people read as the mail's text, "" for one that is attached."""
    if not part.type.startswith("text/") or part.type in _NO_BODY:
        return ""
    disposition = part.fields.get("content-disposition")[:20].lower()
    if disposition.startswith("attachment"):
        return ""
    if len(parts) > 1 and attachments.file_name(part):
        return ""
    return "html" if part.type == "text/html" else "plain"


def _text(raw: bytes, part: Part, budget: int, flags: dict[str, None]) -> tuple[str, int]:
    """The text of one part and how many characters were read for it, at most `budget`: HTML with its tags."""
    is_html = part.type == "text/html"
    try:
        data = raw[part.start : min(part.end, part.start + _ENCODED_LIMIT)] if budget else b""
        data = transfer_encoding.undo(data, part.fields.get("content-transfer-encoding"))[:_ENCODED_LIMIT]
        source = charsets.clean(charsets.decode(data, part.parameters.get("charset", "")))
        cut = part.end - part.start > min(_ENCODED_LIMIT, budget * _ENCODED_LIMIT) or len(source) > budget
        source = source[:budget]
        text, html_cut = html_to_text(source) if is_html else (source, False)
        if cut or html_cut:
            flags["html-cut" if is_html else "text-cut"] = None
        return charsets.clean(text), len(source)
    except Exception:  # reading is total (mail.md, point 1): the raw mail is kept, the part is flagged
        flags["unreadable-part"] = None
        return "", 0


def _content(raw: bytes, part: Part) -> bytes:
    return transfer_encoding.undo(raw[part.start : part.end], part.fields.get("content-transfer-encoding"))


def _whole(texts: list[str], flags: dict[str, None]) -> str:
    text = "\n\n".join(text.strip("\n") for text in texts if text.strip())
    if len(text) > TEXT_LIMIT:
        flags["text-cut"] = None
    return text[:TEXT_LIMIT]


def _embedded_text(found: list[Attachment], flags: dict[str, None]) -> str:
    """A mail that only forwards another one as an attachment says what that one says."""
    for attachment in found:
        if attachment.type != "message/rfc822":
            continue
        raw = attachment.content
        top, start = header_fields.read(raw, 0, len(raw))
        tree = mime_tree.read(raw, top, start, len(raw))
        return _whole(_texts(raw, tree.parts, flags), flags)
    return ""
