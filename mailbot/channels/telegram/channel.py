"""Take what customers write to a Telegram bot, by asking (long polling) or by its calls (webhook), and answer."""

from functools import partial

import msgspec

from mailbot.channels import signature
from mailbot.channels.http_client import NoReply, NotSent
from mailbot.channels.seam import Call, Channel, Event, Polled, Reply, Unavailable
from mailbot.channels.telegram.api import Api, Refused
from mailbot.channels.telegram.reading import NAME, read
from mailbot.channels.telegram.shapes import Update
from mailbot.channels.telegram.sink import send
from mailbot.config.model import Telegram

WAIT = 25  # seconds that Telegram waits for news
ALLOWED = ("message", "edited_message")
SECRET_HEADER = "x-telegram-bot-api-secret-token"


def build(settings: Telegram) -> Channel:
    """Build it. Nothing is asked of Telegram before the first call."""
    api = Api(settings)
    calls = partial(receive, api.bot, settings.secret) if settings.webhook else None
    asks = None if settings.webhook else partial(poll, api)
    return Channel(NAME, settings.mailbox, partial(read, api), partial(send, api), calls, asks, api.close)


async def poll(api: Api, position: str) -> Polled:
    """Wait for news. Raises Unavailable.

    `position`: "BOT:OFFSET", where the offset confirms what came before it. It is dropped once it has confirmed:
    after a silent week update ids begin anew, perhaps below it. That of another bot would discard our news.
    """
    bot, _, offset = position.partition(":")
    wanted = {"timeout": WAIT, "allowed_updates": ALLOWED}
    if bot == api.bot and offset:
        wanted["offset"] = int(offset)
    try:
        found = await api.call("getUpdates", list[msgspec.Raw], seconds=WAIT + 10.0, json=wanted)
    except Refused as refusal:
        raise Unavailable(str(refusal), refusal.retry_after) from None
    except (NotSent, NoReply) as error:
        raise Unavailable(f"Telegram: {error}") from None
    numbers = [update_id(bytes(each)) for each in found]
    if None in numbers:
        raise Unavailable("Telegram: an update has no number")
    events = (Event(f"{api.bot}.{number}", bytes(each)) for number, each in zip(numbers, found, strict=True))
    last = max((number for number in numbers if number is not None), default=None)
    return Polled(tuple(events), "" if last is None else f"{api.bot}:{last + 1}")


def receive(bot: str, secret: str, call: Call) -> Reply:
    """Take a call: only with the secret that was given to Telegram when the webhook was set."""
    if not signature.is_token(call.headers.get(SECRET_HEADER, ""), [secret]):
        return Reply(401, "the secret token is missing or wrong")
    number = update_id(call.body)
    if number is None:
        return Reply(400, "this is no update")
    return Reply(200, "", (Event(f"{bot}.{number}", call.body),))


def update_id(content: bytes) -> int | None:
    """Return the number of an update, None for anything else."""
    try:
        return msgspec.json.decode(content, type=Update).update_id
    except (ValueError, RecursionError):
        return None
