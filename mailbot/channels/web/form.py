"""Turn what was filled into a web form into a mail of its sender, for the inbox or for the wait before it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from mailbot.channels import message as seam
from mailbot.channels.message import ChannelMessage, title
from mailbot.domain.model import Attachment, Envelope
from mailbot.domain.policy import Mailbox
from mailbot.domain.web_forms.answers import Answers, text_in
from mailbot.domain.web_forms.given import Given
from mailbot.domain.web_forms.model import WebForm
from mailbot.mail.compose.reply_tokens import TokenSigner

CHANNEL = "form"


@dataclass(frozen=True, slots=True)
class FormMessage:
    """What a customer filled in. `text`: of the message alone. `once`: what names this form with this content."""

    form: WebForm
    address: str
    name: str
    text: str
    answers: Answers
    files: tuple[Attachment, ...]
    language: str
    once: str


async def build(
    filled: FormMessage, box: Mailbox, keys: TokenSigner, now: datetime
) -> tuple[Envelope, bytes, str]:
    """Return envelope and bytes of the mail, and its fingerprint. Raises ComposeRefused.

    The sender counts as proven where the form has the address confirmed: the mail then waits for that.
    """
    subject = (
        filled.answers.subject or f"{text_in(filled.form.titles, filled.language)}: {title(filled.text)}"
    )
    message = ChannelMessage(
        CHANNEL,
        filled.address,
        filled.once,
        text_of(filled.answers.lines, filled.text),
        name=filled.name,
        subject=subject,
        files=filled.files,
        proven=filled.form.confirm,
        given=Given(filled.answers.details, filled.answers.tags),
    )
    if filled.files:  # megabytes in base64 would hold up every visitor
        envelope, raw = await asyncio.to_thread(seam.build, message, box, keys, now)
    else:
        envelope, raw = seam.build(message, box, keys, now)
    return envelope, raw, message.mark


def text_of(lines: tuple[str, ...], text: str) -> str:
    """Return the text of the mail: the fields as "Label: value" on top, where rules and agents look first."""
    return "\n".join((*lines, "", text)) if lines else text
