"""A mail as it came in, read: any bytes give an InboundMail in bounded time and memory (mail.md, 1 to 8)."""

import re
from collections.abc import Collection

from mailbot.domain.language import guess
from mailbot.domain.model import Authentication, InboundMail
from mailbot.mail.auth import authentication_results, domains
from mailbot.mail.parsing import addresses, body, charsets, encoded_words, header_fields, mime_tree
from mailbot.mail.parsing.body import Body
from mailbot.mail.parsing.header_fields import VALUE_LIMIT, Fields
from mailbot.mail.parsing.lazy_headers import Headers
from mailbot.mail.parsing.mime_tree import Structure
from mailbot.mail.replies import automatic
from mailbot.mail.replies.new_text import extract_new_text, has_marker
from mailbot.mail.reports import bounces

SUBJECT_LIMIT = 1000
REFERENCES_LIMIT = 50
_TOLD_BY = 1500  # characters of the text are enough to tell its language

_ID = re.compile(r"<[^<>\s\x00-\x20\x7f]{1,250}>")
_BARE_ID = re.compile(r"[^<>\s\x00-\x20\x7f,;\"()]{1,200}@[^<>\s\x00-\x20\x7f,;\"()]{1,200}\Z")
_ANSWERS = re.compile(
    r"\s*(?:re|bls|balasan|balas|aw|antw|sv|vs|res|odp)\s?(?:\[\d{1,3}\])?\s?[:：]", re.IGNORECASE
)
_FORWARDS = re.compile(r"\s*(?:fwd?|trs|terusan|teruskan|diteruskan|wg|tr|rv|i)\s?[:：]", re.IGNORECASE)

# Of these only the first 4 KiB are read: a longer one was not read whole.
_LONG_NAMES = ("from", "reply-to", "content-type", "subject")


def parse(
    raw: bytes, authserv_ids: Collection[str] = (), own_addresses: Collection[str] = frozenset()
) -> InboundMail:
    """`raw` as an InboundMail; never raises. What could not be read stands in its flags:

    "no-sender", "several-senders": From names nobody, or more than one; "too-complex": a limit on the header
    block, parts, depth or a field's length left something unread; "text-cut", "html-cut": the text was longer
    than 512 KiB; "unreadable-part"; "reply-to-elsewhere": Reply-To led to another organisation and is left
    out; "encrypted", "signed", "tnef", "calendar", "dangerous-attachment": what the parts hold.

    `authserv_ids` are the hosts whose Authentication-Results count, `own_addresses` those of our mailboxes.
    """
    if b"\n" not in raw and b"\r" in raw:
        raw = raw.replace(b"\r", b"\n")
    header, start = header_fields.read(raw, 0, len(raw))
    tree = mime_tree.read(raw, header, start, len(raw))
    content = body.read(raw, tree)
    sender_name, sender, flags = _sender(header)
    subject = charsets.clean_line(encoded_words.decoded(header.get("subject")[:VALUE_LIMIT]), SUBJECT_LIMIT)
    answered, references = _ids(header.get("in-reply-to")), _ids(header.get("references"))
    reply_to, strange = _reply_to(header, sender)
    said = extract_new_text(
        content.text, is_reply=_is_reply(subject, content.text, bool(answered or references))
    )
    machine = _automatic(header, sender, tree, own_addresses)
    return InboundMail(
        sender=sender,
        sender_name=sender_name,
        subject=subject,
        text=content.text,
        visible=said,
        message_id=(_ids(header.get("message-id")) or ("",))[0],
        in_reply_to=answered,
        references=references,
        reply_to=reply_to,
        automatic=machine,
        authentication=_authentication(header, sender, authserv_ids),
        attachments=content.attachments,
        flags=_flags(header, tree, content, (*flags, *strange)),
        size=len(raw),
        language=guess(f"{subject}\n{said[:_TOLD_BY]}"),
        report=bounces.read_parts(raw, header, tree, content.text, own_addresses) if machine else None,
        headers=Headers(header),
    )


def _sender(header: Fields) -> tuple[str, str, tuple[str, ...]]:
    """Name and address of the one person in From, "" and a flag when it isn't exactly one."""
    values = header.get_all("from")
    named = [person for value in values[:2] for person in addresses.parse_addresses(value)]
    if len(values) > 1 or len(named) > 1:
        return "", "", ("several-senders",)
    if not named or not named[0].address:
        return (named[0].name if named else ""), "", ("no-sender",)
    return named[0].name, named[0].address, ()


def _reply_to(header: Fields, sender: str) -> tuple[str, tuple[str, ...]]:
    """Where an answer may go besides the sender: only within the same organisation (mail.md, point 6)."""
    named = [person.address for person in addresses.parse_addresses(header.get("reply-to")) if person.address]
    if not named or not sender:
        return "", ()
    at_home = domains.organisation(sender.rpartition("@")[2])
    if len(named) > 1 or domains.organisation(named[0].rpartition("@")[2]) != at_home:
        return "", ("reply-to-elsewhere",)
    return named[0], ()


def _ids(value: str) -> tuple[str, ...]:
    """Message-IDs in the order given, the first and the newest ones if there are many."""
    found = tuple(dict.fromkeys(_ID.findall(value)))
    if not found and value and _BARE_ID.match(value):
        return (charsets.clean_line(f"<{value}>", 1000),)
    if len(found) > REFERENCES_LIMIT:
        found = (found[0], *found[1 - REFERENCES_LIMIT :])
    return tuple(charsets.clean_line(one, 1000) for one in found)


def _is_reply(subject: str, text: str, refers: bool) -> bool:
    """Is there a quote to fold? A forwarded mail refers to others too, but its quote is what matters."""
    if has_marker(text):
        return True
    return not _FORWARDS.match(subject) and (refers or _ANSWERS.match(subject) is not None)


def _automatic(header: Fields, sender: str, tree: Structure, own_addresses: Collection[str]) -> str:
    types = [part.type for part in tree.parts if part.type.startswith("message/")]
    return automatic.reason(header, sender, types=types, own_addresses=own_addresses)


def _authentication(header: Fields, sender: str, authserv_ids: Collection[str]) -> Authentication:
    if not authserv_ids:
        return Authentication.NONE
    return authentication_results.verdict(header, sender, authserv_ids)


def _flags(header: Fields, tree: Structure, content: Body, flags: tuple[str, ...]) -> tuple[str, ...]:
    long = any(len(header.get(name)) > VALUE_LIMIT for name in _LONG_NAMES)
    complete = header.complete and tree.complete and not long
    return (*flags, *(() if complete else ("too-complex",)), *content.flags)
