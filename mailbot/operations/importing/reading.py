"""Reads a message of another desk as the mail that it was, so that all that knows mails knows it too."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mailbot.domain.language import guess
from mailbot.domain.model import (
    Attachment,
    Authentication,
    Author,
    Contact,
    Direction,
    InboundMail,
)
from mailbot.domain.reasons import NO_REASON
from mailbot.mail.parsing import attachments, charsets
from mailbot.mail.parsing.addresses import normalise_address
from mailbot.mail.parsing.parse import RECIPIENT_LIMIT, SUBJECT_LIMIT, is_reply, parse
from mailbot.mail.parsing.part_texts import TEXT_LIMIT
from mailbot.mail.replies.new_text import extract_new_text
from mailbot.operations.importing.model import ImportedMessage, ImportedTicket

_NAME_LIMIT = 150
_ID_LIMIT = 250
_NUMBER_LIMIT = 60
_TAG_LIMIT = 60


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """A message with its mail. `at`: never later than the import."""

    imported: ImportedMessage
    mail: InboundMail
    at: datetime

    @property
    def is_customers(self) -> bool:
        return self.imported.direction is Direction.IN

    @property
    def is_machines(self) -> bool:
        return self.is_customers and self.mail.author is not Author.PERSON

    @property
    def author(self) -> str:
        """Return who wrote it: an address, or the name where the export has no address."""
        return self.mail.sender or self.mail.sender_name


def clean_ticket(ticket: ImportedTicket) -> ImportedTicket:
    """Return the ticket with ids, numbers and names that every database takes. Texts are cleaned when they are read."""
    return replace(
        ticket,
        external_id=_id(ticket.external_id),
        numbers=tuple(filter(None, (charsets.clean_line(each, _NUMBER_LIMIT) for each in ticket.numbers))),
        customer=normalise_address(ticket.customer.strip()),
        subject=charsets.clean_line(ticket.subject, SUBJECT_LIMIT),
        tags=tuple(filter(None, (charsets.clean_line(each, _TAG_LIMIT) for each in ticket.tags))),
        messages=tuple(map(_clean_message, ticket.messages)),
    )


def _clean_message(message: ImportedMessage) -> ImportedMessage:
    external_id, message_id = _id(message.external_id), _id(message.message_id)
    if (external_id, message_id) == (message.external_id, message.message_id):
        return message
    return replace(message, external_id=external_id, message_id=message_id)


def _id(text: str) -> str:
    return text if text.isascii() and text.isprintable() else charsets.clean_line(text, _ID_LIMIT)


def read_message(message: ImportedMessage, own_addresses: Collection[str], now: datetime) -> ReadMessage:
    """Read a message. Never raises: what is no text, address or Message-ID is left out."""
    written = _parsed(message, own_addresses) if message.raw else _written(message)
    if message.direction is not Direction.IN:
        written = replace(written, author=Author.PERSON, author_reason=NO_REASON, no_auto_reply=NO_REASON)
    return ReadMessage(message, written, min(message.at, now))


def _written(message: ImportedMessage) -> InboundMail:
    """Return the mail that the fields of the message describe."""
    text = charsets.clean(message.text)[:TEXT_LIMIT]
    subject = charsets.clean_line(message.subject, SUBJECT_LIMIT)
    references = tuple(charsets.clean_line(each, _ID_LIMIT) for each in message.references)
    visible = extract_new_text(text, is_reply=is_reply(subject, text, bool(references)))
    return InboundMail(
        sender=normalise_address(message.author.strip()),
        sender_name=charsets.clean_line(message.author_name, _NAME_LIMIT),
        subject=subject,
        text=text,
        visible=visible,
        message_id=charsets.clean_line(message.message_id, _ID_LIMIT),
        in_reply_to=references[-1:],
        references=references,
        reply_to="",
        no_auto_reply=NO_REASON,
        authentication=Authentication.NONE,
        attachments=_files(message),
        flags=(),
        size=len(text),
        language=guess(f"{subject}\n{visible[:1500]}"),
        to=_contacts(message.to),
        cc=_contacts(message.cc),
    )


def _parsed(message: ImportedMessage, own_addresses: Collection[str]) -> InboundMail:
    """Return a mail as parsed, with what only the export knows. Who wrote it, the desk knew better than From."""
    mail = parse(message.raw, own_addresses=own_addresses)
    author = normalise_address(message.author.strip()) or mail.sender
    name = mail.sender_name or charsets.clean_line(message.author_name, _NAME_LIMIT)
    if mail.subject and mail.text and mail.message_id:
        return replace(mail, sender=author, sender_name=name)
    written = _written(message)
    names = ("subject", "text", "visible", "message_id", "references", "attachments", "to", "cc")
    kept: dict[str, Any] = {each: getattr(mail, each) or getattr(written, each) for each in names}
    return replace(mail, **kept, sender=author, sender_name=name)


def _files(message: ImportedMessage) -> tuple[Attachment, ...]:
    return tuple(attachments.make(each.name, each.type, each.content) for each in message.files)


def _contacts(people: tuple[tuple[str, str], ...]) -> tuple[Contact, ...]:
    listed = ((name, normalise_address(address.strip())) for name, address in people[:RECIPIENT_LIMIT])
    return tuple(
        Contact(charsets.clean_line(name, _NAME_LIMIT), address) for name, address in listed if address
    )
