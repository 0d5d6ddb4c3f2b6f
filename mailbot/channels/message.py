"""Turn what somebody wrote by a channel into a mail of theirs, with the proof of where it came from.

Theory of operation. The text becomes a mail From its author, so limits, threading, turns, notices and undo are those
of mail. The proof is the envelope's recipient: an address that we sign for this very mail and author, and that no
mail ever shows. It is kept with the mail, so that a crash loses neither.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Protocol

from mailbot.domain.model import Attachment, Envelope
from mailbot.domain.people.identities import MAIL, channel_of, is_nowhere, mail_form
from mailbot.domain.policy import Mailbox
from mailbot.domain.web_forms.given import HEADER, NOTHING, Given
from mailbot.mail.compose import mime_writer
from mailbot.mail.compose.cleaning import body_text
from mailbot.mail.compose.reply_tokens import MAC, TokenSigner

TITLE = 60  # characters of a text that become its subject


class Keep(Protocol):
    """What keeps a mail before it returns: `channels.keep.MailAcceptor`. Raises StoreUnavailable."""

    async def __call__(self, envelope: Envelope, raw: bytes, *, mark: str) -> int: ...


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """What `author` wrote: an identity, or an address of mail. `external_id` names it in its channel for good.

    - `proven`: the author is known to have written it. `name`: as the author is called there.
    - `at`: when it was written, by the channel's clock, None where it says nothing.
    - `subject`: "" for the first words of the text.
    - `answers`: what the channel calls the message of ours that it answers. `in_reply_to`: its Message-ID.
    - `given`: details and tags that the ticket gets, of a form or a program.
    - `references`: Message-IDs of the conversation, oldest first.
    """

    channel: str
    author: str
    external_id: str
    text: str
    name: str = ""
    subject: str = ""
    files: tuple[Attachment, ...] = ()
    answers: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    proven: bool = True
    at: datetime | None = None
    given: Given = NOTHING

    @property
    def mark(self) -> str:
        """Return the fingerprint of its mail, the same at each repetition: SHA-256 in hexadecimal."""
        return hashlib.sha256(f"{self.channel}\0{self.external_id}".encode("utf-8", "replace")).hexdigest()


def build(message: ChannelMessage, box: Mailbox, keys: TokenSigner, now: datetime) -> tuple[Envelope, bytes]:
    """Return the mail of a message, and its envelope with the proof. Raises ComposeRefused.

    Nobody becomes somebody of a chat by naming the address that stands for them in a mail.
    """
    if is_nowhere(message.author) or channel_of(message.author) not in (MAIL, message.channel):
        raise mime_writer.ComposeRefused(f"{message.author!r} is nobody in {message.channel}")
    author = mail_form(message.author)
    message_id = f"<{message.channel}.{message.mark[:32]}@{box.domain}>"
    proof = keys.arrived_address(box.address, message.channel, message_id, author, proven=message.proven)
    subject = mime_writer.format_subject(message.subject or title(message.text), "")
    headers = headers_of(message.name, author, box, subject, message_id, now)
    headers += thread_headers(message.in_reply_to, message.references)
    headers += [(HEADER, value)] if (value := message.given.as_header()) else []
    raw = write(headers, message.text, message.files, proof, box, author)
    return Envelope(author, (proof,), "", now), raw


def title(text: str) -> str:
    """Return the first words of a text, as a subject for it."""
    line = next((each.strip() for each in text.splitlines() if each.strip()), "")
    return line if len(line) <= TITLE else f"{line[:TITLE].rpartition(' ')[0] or line[:TITLE]} ..."


def headers_of(
    name: str, author: str, box: Mailbox, subject: str, message_id: str, now: datetime
) -> list[tuple[str, str]]:
    """Return the header of a mail from `author`. `subject` is folded already."""
    return [
        ("Date", format_datetime(now.astimezone(UTC))),
        ("From", mime_writer.format_mailbox(name, author)),
        ("To", box.address),
        ("Subject", subject),
        ("Message-ID", message_id),
    ]


def thread_headers(in_reply_to: str, references: Sequence[str]) -> list[tuple[str, str]]:
    """Return the fields that name what a mail answers; none where that is unsafe to write."""
    answered = mime_writer.safe_message_id(in_reply_to)
    if not answered:
        return []
    listed = filter(None, map(mime_writer.safe_message_id, references))
    chain = dict.fromkeys((*listed, answered))
    return [("In-Reply-To", answered), ("References", "\r\n ".join(chain))]


def write(
    headers: list[tuple[str, str]],
    text: str,
    files: Sequence[Attachment],
    proof: str,
    box: Mailbox,
    author: str,
) -> bytes:
    """Write the mail. Raises ComposeRefused for an author who is no plain address, or a header with other fields."""
    mime_writer.require_ascii_address(author)
    boundary = f"=_{proof.partition('@')[0][-MAC:]}"  # part of the proof: it can't be guessed
    raw = mime_writer.write_mail(headers, body_text(text), "", boundary, files)
    mime_writer.verify_header(raw, headers, box.address, author)
    return raw
