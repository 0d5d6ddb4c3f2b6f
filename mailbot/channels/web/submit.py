"""Keep what a person wrote on a page as a mail of theirs, in the inbox like any other.

Theory of operation. A page knows by its key who writes. The text becomes a mail From that person, so limits,
threading, turns, notices and undo are those of mail. The proof is the envelope's recipient: an address that we sign
for this very mail and author, and that no mail ever shows. It is kept with the mail, so that a crash loses neither.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Protocol

from mailbot.domain.model import Attachment, Envelope
from mailbot.domain.policy import Mailbox
from mailbot.domain.ticket_number import bracketed
from mailbot.mail.compose import mime_writer
from mailbot.mail.compose.cleaning import body_text
from mailbot.mail.compose.reply_tokens import MAC, TokenSigner

LONGEST_TEXT = 20_000  # characters


@dataclass(frozen=True, slots=True)
class Post:
    """What `author` wrote about the ticket `number`.

    - `subject`: of the ticket, without its number. `name`: as in the author's mails.
    - `in_reply_to`: our newest mail to the author. `references`: the conversation's Message-IDs, oldest first.
    - `is_rating`: the text begins with the figure that the survey asks for.
    - `once`: a random key of the form. The same form with the same content is one mail.
    """

    number: str
    author: str
    text: str
    subject: str = ""
    name: str = ""
    files: tuple[Attachment, ...] = ()
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    is_rating: bool = False
    once: str = ""

    @property
    def mark(self) -> str:
        """Return the fingerprint of its mail: SHA-256 in hexadecimal."""
        files = (f"{each.digest} {each.name}" for each in self.files)
        parts = (self.once, self.number, self.author, str(self.is_rating), self.text, *files)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


class Keep(Protocol):
    """What keeps a mail before it returns: `channels.smtp.accept.MailAcceptor`."""

    async def __call__(self, envelope: Envelope, raw: bytes, *, mark: str) -> int: ...


async def submit(post: Post, box: Mailbox, keys: TokenSigner, keep: Keep, now: datetime) -> int:
    """Keep a post, and return its id in the inbox. Raises ComposeRefused and StoreUnavailable."""
    if post.files:  # megabytes in base64 would hold up every session
        envelope, raw = await asyncio.to_thread(build, post, box, keys, now)
    else:
        envelope, raw = build(post, box, keys, now)
    return await keep(envelope, raw, mark=post.mark)


def build(post: Post, box: Mailbox, keys: TokenSigner, now: datetime) -> tuple[Envelope, bytes]:
    """Return the mail of a post, and its envelope with the proof. Raises ComposeRefused."""
    author = mime_writer.require_ascii_address(post.author)
    message_id = f"<web.{post.mark[:32]}@{box.domain}>"
    proof = keys.posted_address(box.address, post.number, message_id, author)
    headers = _headers(post, box, message_id, now)
    boundary = f"=_{proof.partition('@')[0][-MAC:]}"  # part of the proof: it can't be guessed
    raw = mime_writer.write_mail(headers, body_text(post.text), "", boundary, post.files)
    mime_writer.verify_header(raw, headers, box.address, author)
    survey = (keys.survey_address(box.address, post.number),) if post.is_rating else ()
    return Envelope(author, (proof, *survey), "", now), raw


def _headers(post: Post, box: Mailbox, message_id: str, now: datetime) -> list[tuple[str, str]]:
    headers = [
        ("Date", format_datetime(now.astimezone(UTC))),
        ("From", mime_writer.format_mailbox(post.name, post.author)),
        ("To", box.address),
        ("Subject", mime_writer.format_subject(f"Re: {post.subject}", bracketed(post.number))),
        ("Message-ID", message_id),
    ]
    if answered := mime_writer.safe_message_id(post.in_reply_to):
        listed = filter(None, map(mime_writer.safe_message_id, post.references))
        chain = dict.fromkeys((*listed, answered))
        headers += [("In-Reply-To", answered), ("References", "\r\n ".join(chain))]
    return headers
