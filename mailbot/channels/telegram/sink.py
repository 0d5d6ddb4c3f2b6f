"""Send our messages: plain text in parts of what Telegram takes, then the files.

Theory of operation. Telegram knows no key by which it drops a repetition, so each part is sent once: what an earlier
attempt got through (`Outgoing.taken`) is left out. A part without a reply may be there, and counts as unknown.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mailbot.channels.parts import PartRefused, send_parts, split
from mailbot.channels.seam import Outgoing, Result
from mailbot.channels.telegram.api import Api, Refused
from mailbot.channels.telegram.shapes import Sent
from mailbot.domain.model import Attachment, AttemptOutcome

LONGEST = 4096  # UTF-16 units of a text ("sendMessage")
LARGEST_PHOTO = 10_000_000  # bytes
PHOTOS = frozenset({"image/jpeg", "image/png"})
SECONDS = 45.0  # for the reply, after megabytes perhaps
# Like a mail server's status (RFC 3463): the person gets no automatic messages until they write again.
UNWANTED, NO_CHAT = "5.2.1", "5.1.1"


@dataclass(frozen=True, slots=True)
class _Part:
    """One request. `content`: as httpx takes it. `else_document`: a picture that may be taken as a file alone."""

    method: str
    content: dict[str, Any] = field(repr=False)
    else_document: Attachment | None = None


async def send(api: Api, message: Outgoing) -> Result:
    """Send a message, beginning behind the parts that were taken before. Raises nothing."""
    chat = message.to.partition(":")[2]

    async def send_part(part: _Part) -> str:
        sent = await _send(api, chat, part)
        return f"{api.bot}.{chat}.{sent.message_id}"

    parts = [*_texts(chat, message.text), *(_file(chat, each) for each in message.files)]
    if not parts:
        return Result(AttemptOutcome.FAILED, "the message is empty")
    return await send_parts(parts, message.taken, send_part, "Telegram")


def _texts(chat: str, text: str) -> Iterator[_Part]:
    for each in split(text, LONGEST):
        shown = {"chat_id": chat, "text": each, "link_preview_options": {"is_disabled": True}}
        yield _Part("sendMessage", {"json": shown})


def _file(chat: str, file: Attachment) -> _Part:
    if file.type in PHOTOS and len(file.content) <= LARGEST_PHOTO:
        return _Part("sendPhoto", _upload("photo", chat, file), file)
    return _Part("sendDocument", _upload("document", chat, file))


def _upload(kind: str, chat: str, file: Attachment) -> dict[str, Any]:
    return {"data": {"chat_id": chat}, "files": {kind: (file.name, file.content, file.type)}}


async def _send(api: Api, chat: str, part: _Part) -> Sent:
    try:
        return await api.call(part.method, Sent, seconds=SECONDS, **part.content)
    except Refused as refusal:
        if refusal.code != 400 or part.else_document is None:
            raise PartRefused(_result(refusal)) from None
    document = _Part("sendDocument", _upload("document", chat, part.else_document))
    return await _send(api, chat, document)  # such as a picture of an odd shape


def _result(refusal: Refused) -> Result:
    text, code = str(refusal), refusal.code
    if code == 504:  # the server behind it gave no reply: it may have sent
        return Result(AttemptOutcome.UNKNOWN, text)
    if refusal.is_ours:
        return Result(AttemptOutcome.DEFERRED, text, code, retry_after=refusal.retry_after, is_ours=True)
    no_chat = "chat not found" in refusal.description.lower()
    status = UNWANTED if code == 403 else NO_CHAT if no_chat else ""
    return Result(AttemptOutcome.FAILED, f"{status} {text}".lstrip(), code)
