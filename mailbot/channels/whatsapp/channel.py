"""Take what customers write to a number at the WhatsApp Cloud API, by its signed calls, and answer."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from mailbot.channels.seam import Channel
from mailbot.channels.whatsapp.api import Api
from mailbot.channels.whatsapp.calls import receive
from mailbot.channels.whatsapp.reading import NAME, read
from mailbot.channels.whatsapp.sink import send
from mailbot.config.model import Whatsapp

NOW = partial(datetime.now, UTC)


def build(settings: Whatsapp, now: Callable[[], datetime] = NOW) -> Channel:
    """Build it. Nothing is asked of WhatsApp before the first message."""
    api = Api(settings, now)
    reads, sends = partial(read, api, settings.phone_number_id), partial(send, api, settings)
    return Channel(NAME, settings.mailbox, reads, sends, partial(receive, settings), close=api.close)
