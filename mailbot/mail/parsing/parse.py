"""Parse a mail: any bytes become an `InboundMail` in bounded time and memory.

Theory of operation. `header_fields` splits the header, `mime_tree` finds the parts, `body` joins their text
and reads the attachments. From these values the functions below derive everything that later steps decide by.
Each step has its own limits and never raises: whatever could not be read is named in `flags`.
"""

import re
from collections.abc import Collection

from mailbot.domain.language import guess
from mailbot.domain.model import Authentication, Contact, InboundMail
from mailbot.domain.people.addresses import registered_domain
from mailbot.domain.reasons import Reason
from mailbot.domain.replies.author import with_author
from mailbot.mail.auth import authentication_results
from mailbot.mail.parsing import addresses, body, charsets, encoded_words, mime_tree
from mailbot.mail.parsing.body import Body
from mailbot.mail.parsing.header_fields import VALUE_LIMIT, Fields, LazyHeaders
from mailbot.mail.parsing.mime_tree import Structure
from mailbot.mail.replies import automatic
from mailbot.mail.replies.new_body import separate
from mailbot.mail.replies.new_text import extract_new_text, has_marker
from mailbot.mail.reports import bounces

SUBJECT_LIMIT = 1000
REFERENCES_LIMIT = 50
RECIPIENT_LIMIT = 50  # addresses of To, and of Cc
_LANGUAGE_SAMPLE = 1500  # characters of the text are enough to guess its language

_ID = re.compile(r"<[^<>\s\x00-\x20\x7f]{1,250}>")
_BARE_ID = re.compile(r"[^<>\s\x00-\x20\x7f,;\"()]{1,200}@[^<>\s\x00-\x20\x7f,;\"()]{1,200}\Z")
_REPLY_PREFIX = re.compile(
    r"\s*(?:re|bls|balasan|balas|aw|antw|sv|vs|res|odp)\s?(?:\[\d{1,3}\])?\s?[:：]", re.IGNORECASE
)
_FORWARD_PREFIX = re.compile(r"\s*(?:fwd?|trs|terusan|teruskan|diteruskan|wg|tr|rv|i)\s?[:：]", re.IGNORECASE)

# Only the first 4 KiB of these fields are parsed. A longer one makes the mail "too-complex".
_PARSED_FIELDS = ("from", "reply-to", "content-type", "subject")


def parse(
    raw: bytes, authserv_ids: Collection[str] = (), own_addresses: Collection[str] = frozenset()
) -> InboundMail:
    """Parse `raw`; never raises. `flags` of the result name what could not be read or needs attention:

    - "no-sender", "several-senders": From has no address, or more than one.
    - "too-complex": a limit on the header block, parts, depth or a field left something unread.
    - "text-cut", "html-cut": the text was longer than 512 KiB.
    - "reply-to-elsewhere": Reply-To led to another organisation and is left out.
    - "unreadable-part", "encrypted": a part that stays unread. "tnef": a winmail.dat that holds more than was read.
    - "attached-text": the text is that of a mail that is attached. "hidden-verbs": HTML hides the verbs on top.
    - "signed", "calendar", "calendar-reply", "dangerous-attachment": what the parts hold.

    `authserv_ids` are the hosts whose Authentication-Results count, `own_addresses` those of our mailboxes.
    """
    raw, header, tree = mime_tree.read_mail(raw)
    content = body.read(raw, tree)
    sender_name, sender, sender_flags = _sender(header)
    subject = encoded_words.decode_line(header.get("subject")[:VALUE_LIMIT], SUBJECT_LIMIT)
    in_reply_to, references = _ids(header.get("in-reply-to")), _ids(header.get("references"))
    answers_to = [
        entry.address for entry in addresses.parse_addresses(header.get("reply-to")) if entry.address
    ]
    reply_to, reply_to_flags = _reply_to(answers_to, sender)
    reply = is_reply(subject, content.text, bool(in_reply_to or references))
    new_text = extract_new_text(content.text, is_reply=reply)
    separated = separate(content.text, is_reply=reply, is_forward=is_forward(subject))
    reason = _no_auto_reply(header, sender, tree, own_addresses)
    mail = InboundMail(
        sender=sender,
        sender_name=sender_name,
        subject=subject,
        text=content.text,
        visible=new_text,
        message_id=(_ids(header.get("message-id")) or ("",))[0],
        in_reply_to=in_reply_to,
        references=references,
        reply_to=reply_to,
        no_auto_reply=reason,
        authentication=_authentication(header, sender, authserv_ids),
        attachments=content.attachments,
        flags=_flags(header, tree, content, (*sender_flags, *reply_to_flags)),
        size=len(raw),
        language=guess(f"{subject}\n{new_text[:_LANGUAGE_SAMPLE]}"),
        report=bounces.read_parts(raw, header, tree, content.text, own_addresses) if reason else None,
        headers=LazyHeaders(header),
        to=_recipients(header, "to"),
        cc=_recipients(header, "cc"),
        reply_to_named=answers_to[0] if answers_to else "",
        original_from=_original_from(header),
        new_body=separated.new,
        footer=separated.footer,
    )
    return with_author(mail)


def _sender(header: Fields) -> tuple[str, str, tuple[str, ...]]:
    """Return name, address and flags of the only person in From, "" when there is not exactly one."""
    values = header.get_all("from")
    authors = [author for value in values[:2] for author in addresses.parse_addresses(value)]
    if len(values) > 1 or len(authors) > 1:
        return "", "", ("several-senders",)
    if not authors or not authors[0].address:
        return (authors[0].name if authors else ""), "", ("no-sender",)
    return authors[0].name, authors[0].address, ()


def _reply_to(listed: list[str], sender: str) -> tuple[str, tuple[str, ...]]:
    """Return the Reply-To address and flags. It counts only within the sender's organisation."""
    if not listed or not sender:
        return "", ()
    own = registered_domain(sender.rpartition("@")[2])
    if len(listed) > 1 or registered_domain(listed[0].rpartition("@")[2]) != own:
        return "", ("reply-to-elsewhere",)
    return listed[0], ()


def _recipients(header: Fields, name: str) -> tuple[Contact, ...]:
    listed = [each for value in header.get_all(name)[:4] for each in addresses.parse_addresses(value)]
    return tuple(each for each in listed if each.address)[:RECIPIENT_LIMIT]


def _original_from(header: Fields) -> Contact | None:
    """Return the author whom a mailing list took out of From, because DMARC would fail on it."""
    for name in ("x-original-from", "x-original-sender"):
        listed = [each for each in addresses.parse_addresses(header.get(name)) if each.address]
        if len(listed) == 1:
            return listed[0]
    return None


def _ids(value: str) -> tuple[str, ...]:
    """Return the Message-IDs in order. Of many, the first and the newest ones are kept."""
    ids = tuple(dict.fromkeys(_ID.findall(value)))
    if not ids and value and _BARE_ID.match(value):
        return (charsets.clean_line(f"<{value}>", 1000),)
    if len(ids) > REFERENCES_LIMIT:
        ids = (ids[0], *ids[1 - REFERENCES_LIMIT :])
    return tuple(charsets.clean_line(message_id, 1000) for message_id in ids)


def is_reply(subject: str, text: str, refers: bool) -> bool:
    """Check for a quote to fold. A forwarded mail has references too, but its quote is the content."""
    if has_marker(text):
        return True
    return not is_forward(subject) and (refers or _REPLY_PREFIX.match(subject) is not None)


def is_forward(subject: str) -> bool:
    return _FORWARD_PREFIX.match(subject) is not None


def _no_auto_reply(header: Fields, sender: str, tree: Structure, own_addresses: Collection[str]) -> Reason:
    types = [part.type for part in tree.parts if part.type.startswith("message/")]
    return automatic.reason(header, sender, types=types, own_addresses=own_addresses)


def _authentication(header: Fields, sender: str, authserv_ids: Collection[str]) -> Authentication:
    if not authserv_ids:
        return Authentication.NONE
    return authentication_results.evaluate(header, sender, authserv_ids)


def _flags(header: Fields, tree: Structure, content: Body, flags: tuple[str, ...]) -> tuple[str, ...]:
    too_long = any(len(header.get(name)) > VALUE_LIMIT for name in _PARSED_FIELDS)
    complete = header.complete and tree.complete and not too_long
    return (*flags, *(() if complete else ("too-complex",)), *content.flags)
