"""Call the Cloud API."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Any

from mailbot.channels.chat_files import Gone
from mailbot.channels.http_client import Answer, HttpClient
from mailbot.channels.loose import text_at
from mailbot.channels.seam import ReadLater
from mailbot.config.model import Whatsapp
from mailbot.domain.model import Attachment

LARGEST_FILE = 16_000_000  # bytes that we fetch; WhatsApp's own limit for all but documents
SECONDS = 45.0  # for the reply, after megabytes perhaps
MEDIA_HOST = re.compile(r"[a-z0-9.-]+\.(?:fbsbx\.com|fbcdn\.net|whatsapp\.net)")
_ID = re.compile("[A-Za-z0-9_-]{1,200}")


class Api:
    """The Cloud API as one number may use it. `now`: the time. Its methods raise NotSent and NoReply."""

    def __init__(self, settings: Whatsapp, now: Callable[[], datetime]) -> None:
        self.now, self._number = now, settings.phone_number_id
        token = settings.token if settings.token.isascii() and settings.token.isprintable() else ""
        self._http = HttpClient(settings.api, {"Authorization": f"Bearer {token}"}, MEDIA_HOST)
        self.close = self._http.close

    async def about(self, name: str, **params: str) -> Answer:
        """Ask what it knows of a number or a file."""
        return await self._http.ask("GET", name, params=params)

    async def send(self, content: dict[str, Any]) -> Answer:
        content = {"messaging_product": "whatsapp", "recipient_type": "individual", **content}
        return await self._http.ask("POST", f"{self._number}/messages", json=content)

    async def upload(self, file: Attachment) -> Answer:
        """Leave a file there, to be sent by its id."""
        form = {"messaging_product": "whatsapp", "type": file.type}
        files = {"file": (file.name, file.content, file.type)}
        return await self._http.ask("POST", f"{self._number}/media", seconds=SECONDS, data=form, files=files)

    async def fetch(self, name: str, digest: str) -> bytes:
        """Fetch a file by WhatsApp's name for it. Also raises Gone, TooLarge and ReadLater.

        `digest`: SHA-256 in base64 or hexadecimal, "" where the call said nothing.
        """
        if not _ID.fullmatch(name):
            raise Gone
        about = await self.about(name, phone_number_id=self._number)
        if about.status in (400, 404):
            raise Gone
        if about.status != 200:
            raise ReadLater(f"WhatsApp answers {about.status} for a file")
        link = text_at(about.json, "url")
        answer = await self._http.ask("GET", link, seconds=SECONDS, largest=LARGEST_FILE)
        real = hashlib.sha256(answer.body)
        if answer.status != 200 or digest not in ("", b64encode(real.digest()).decode(), real.hexdigest()):
            raise ReadLater(f"WhatsApp answers {answer.status} with a file that is not whole")
        return answer.body
