"""Keep what a person wrote on the page of a ticket as a mail of theirs, in the inbox like any other.

A page knows by its key who writes, and about which ticket: its proof names both (see `channels.message`).
"""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import datetime

from mailbot.channels.message import Keep, headers_of, thread_headers, write
from mailbot.domain.model import Attachment, Envelope
from mailbot.domain.people.identities import mail_form
from mailbot.domain.policy import Mailbox
from mailbot.domain.ticket_number import bracketed
from mailbot.mail.compose import mime_writer
from mailbot.mail.compose.reply_tokens import TokenSigner

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


async def submit(post: Post, box: Mailbox, keys: TokenSigner, keep: Keep, now: datetime) -> int:
    """Keep a post, and return its id in the inbox. Raises ComposeRefused and StoreUnavailable."""
    if post.files:  # megabytes in base64 would hold up every session
        envelope, raw = await asyncio.to_thread(build, post, box, keys, now)
    else:
        envelope, raw = build(post, box, keys, now)
    return await keep(envelope, raw, mark=post.mark)


def build(post: Post, box: Mailbox, keys: TokenSigner, now: datetime) -> tuple[Envelope, bytes]:
    """Return the mail of a post, and its envelope with the proof. Raises ComposeRefused."""
    author, message_id = mail_form(post.author), f"<web.{post.mark[:32]}@{box.domain}>"
    proof = keys.posted_address(box.address, post.number, message_id, author)
    subject = mime_writer.format_subject(f"Re: {post.subject}", bracketed(post.number))
    headers = headers_of(post.name, author, box, subject, message_id, now)
    headers += thread_headers(post.in_reply_to, post.references)
    raw = write(headers, post.text, post.files, proof, box, author)
    survey = (keys.survey_address(box.address, post.number),) if post.is_rating else ()
    return Envelope(author, (proof, *survey), "", now), raw
