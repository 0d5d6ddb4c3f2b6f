"""Send our messages: plain text in parts of what Telegram takes, then the files.

Theory of operation. Telegram knows no key by which it drops a repetition, so each part is sent once: what an earlier
attempt got through (`Outgoing.taken`) is left out. A part without a reply may be there, and counts as unknown.
"""

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


async def send(api: Api, message: Outgoing) -> Result:
    """Send a message, without the parts that were taken before. Raises nothing."""
    chat = message.to.partition(":")[2]

    async def send_part(part: str | Attachment) -> str:
        try:
            sent = await (_text(api, chat, part) if isinstance(part, str) else _file(api, chat, part))
        except Refused as refusal:
            raise PartRefused(_result(refusal)) from None
        return f"{api.bot}.{chat}.{sent.message_id}"

    parts: list[str | Attachment] = [*split(message.text, LONGEST), *message.files]
    return await send_parts(parts, message.taken, send_part, "Telegram")


async def _text(api: Api, chat: str, text: str) -> Sent:
    shown = {"chat_id": chat, "text": text, "link_preview_options": {"is_disabled": True}}
    return await api.call("sendMessage", Sent, seconds=SECONDS, json=shown)


async def _file(api: Api, chat: str, file: Attachment) -> Sent:
    to, upload = {"chat_id": chat}, (file.name, file.content, file.type)
    if file.type in PHOTOS and len(file.content) <= LARGEST_PHOTO:
        try:
            return await api.call("sendPhoto", Sent, seconds=SECONDS, data=to, files={"photo": upload})
        except Refused as refusal:
            if refusal.code != 400:  # it can't be shown, such as for its shape: as a file it may
                raise
    return await api.call("sendDocument", Sent, seconds=SECONDS, data=to, files={"document": upload})


def _result(refusal: Refused) -> Result:
    text, code = str(refusal), refusal.code
    if code == 504:  # the server behind it gave no reply: it may have sent
        return Result(AttemptOutcome.UNKNOWN, text)
    if refusal.is_ours:
        return Result(AttemptOutcome.DEFERRED, text, code, retry_after=refusal.retry_after, is_ours=True)
    no_chat = "chat not found" in refusal.description.lower()
    status = UNWANTED if code == 403 else NO_CHAT if no_chat else ""
    return Result(AttemptOutcome.FAILED, f"{status} {text}".lstrip(), code)
