"""Send our messages: free text and files within 24 hours after the customer wrote, later a template that asks them to.

Theory of operation. Outside that window WhatsApp takes approved templates alone. Ours says that there is news on a
ticket, and asks for a reply. It goes out once until the customer writes; then the window is open, and what waited
leaves. Whoever does not reply within a week does not get it, and the team learns that.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from mailbot.channels.http_client import NoReply
from mailbot.channels.loose import text_at
from mailbot.channels.parts import PartRefused, send_parts, split
from mailbot.channels.seam import Outgoing, Result
from mailbot.channels.whatsapp.api import Api
from mailbot.channels.whatsapp.errors import CLOSED, judge
from mailbot.config.model import Whatsapp, WhatsappTemplate
from mailbot.domain.model import Attachment, AttemptOutcome

NAMED = "WhatsApp"
LONGEST = 4096  # characters of a text
WINDOW = timedelta(hours=24) - timedelta(minutes=5)  # clocks differ, and a message is under way for a while
PATIENCE = timedelta(days=7)  # for a reply to the template
# Kinds of files by their type, and the most bytes of each. Anything else goes as a document.
KINDS = {
    "image": (frozenset({"image/jpeg", "image/png"}), 5_000_000),
    "video": (frozenset({"video/mp4", "video/3gpp"}), 16_000_000),
    "audio": (frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4"}), 16_000_000),
}


async def send(api: Api, settings: Whatsapp, message: Outgoing) -> Result:
    """Send a message, or ask the customer to write. Raises nothing."""
    parts = [*split(message.text, LONGEST), *message.files]
    taken: Mapping[int, str] = {}
    if message.wrote_at and api.now() - message.wrote_at < WINDOW:
        result = await send_parts(parts, message.taken, partial(_send, api, message), NAMED)
        if result.outcome != AttemptOutcome.FAILED or not result.text.startswith(CLOSED):
            return result
        taken = result.external_ids
    result = await _call(api, settings.template, message)
    return replace(result, external_ids={**taken, **result.external_ids})


async def _send(api: Api, message: Outgoing, part: str | Attachment) -> str:
    """Send a part, and return what WhatsApp calls it. Raises PartRefused, NotSent and NoReply."""
    if isinstance(part, str):
        return await _post(api, message, {"type": "text", "text": {"body": part, "preview_url": False}})
    fitting = (kind for kind, (types, most) in KINDS.items() if part.type in types and part.size <= most)
    kind, media = next(fitting, "document"), {"id": await _upload(api, part)}
    media |= {"filename": part.name} if kind == "document" else {}
    return await _post(api, message, {"type": kind, kind: media})


async def _post(api: Api, message: Outgoing, content: dict[str, Any]) -> str:
    answer = await api.send({"to": message.to.partition(":+")[2], **content})
    if answer.status != 200:
        raise PartRefused(judge(answer))
    if name := text_at(answer.json, "messages", 0, "id"):
        return name
    raise NoReply("its reply can't be read")


async def _upload(api: Api, file: Attachment) -> str:
    try:
        answer = await api.upload(file)
    except NoReply as error:  # nobody saw it yet
        raise PartRefused(Result(AttemptOutcome.DEFERRED, f"WhatsApp: {error}")) from None
    if answer.status == 200 and (name := text_at(answer.json, "id")):
        return name
    refused = judge(answer)
    raise PartRefused(replace(refused, text=f"{refused.text}: {file.name}"))


async def _call(api: Api, template: WhatsappTemplate | None, message: Outgoing) -> Result:
    """Ask the customer to write, once until they do."""
    if template is None:
        hint = "no template is set up (channels: whatsapp: template in mailbot.yaml)"
        return Result(AttemptOutcome.FAILED, f"{CLOSED}, and {hint}")
    called = message.called_at
    if called and (message.wrote_at is None or called > message.wrote_at):
        if (left := called + PATIENCE - api.now()) > timedelta():
            return _waiting(f"{CLOSED}. They were asked to write on {called:%d %B}", left)
        if 0 in message.taken:
            return Result(AttemptOutcome.FAILED, f"{CLOSED}, and did not reply since {called:%d %B}")
    result = await send_parts([_template(template, message)], (), partial(_post, api, message), NAMED)
    if result.outcome != AttemptOutcome.SENT:
        return result
    waiting = _waiting(f"{CLOSED}. They are asked to write", PATIENCE)
    return replace(waiting, external_ids={0: result.external_ids[1]})


def _waiting(text: str, pause: timedelta) -> Result:
    return Result(AttemptOutcome.DEFERRED, f"{text}; then this leaves", 200, retry_after=pause)


def _template(template: WhatsappTemplate, message: Outgoing) -> dict[str, Any]:
    code = template.languages.get(message.language) or next(iter(template.languages.values()))
    number = {"type": "body", "parameters": [{"type": "text", "text": message.number or "-"}]}
    named = {"name": template.name, "language": {"code": code}, "components": [number]}
    return {"type": "template", "template": named}
