"""Call the Cloud API. The token goes to its own hosts alone, and into no error."""

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

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
        self.now, self._own, self._number = now, urlsplit(settings.api), settings.phone_number_id
        token = settings.token if settings.token.isascii() and settings.token.isprintable() else ""
        self._http = HttpClient(settings.api, {"Authorization": f"Bearer {token}"})
        self.close = self._http.close

    async def number(self) -> Answer:
        """Ask what our number is."""
        return await self._http.ask(
            "GET", self._number, params={"fields": "display_phone_number,verified_name"}
        )

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
        about = await self._http.ask("GET", name, params={"phone_number_id": self._number})
        if about.status in (400, 404):
            raise Gone
        if about.status != 200:
            raise ReadLater(f"WhatsApp answers {about.status} for a file")
        link = text_at(about.json, "url")
        if not self._is_theirs(link):
            raise Gone  # our token would go there
        answer = await self._http.ask("GET", link, seconds=SECONDS, largest=LARGEST_FILE)
        if answer.status != 200 or digest not in ("", *_digests(answer.body)):
            raise ReadLater(f"WhatsApp answers {answer.status} with a file that is not whole")
        return answer.body

    def _is_theirs(self, url: str) -> bool:
        """Check for an address of WhatsApp's files, or of the API itself."""
        try:
            place = urlsplit(url)
        except ValueError:
            return False
        is_api = (place.scheme, place.netloc) == (self._own.scheme, self._own.netloc)
        return is_api or (place.scheme == "https" and MEDIA_HOST.fullmatch(place.netloc) is not None)


def _digests(content: bytes) -> tuple[str, str]:
    digest = hashlib.sha256(content)
    return base64.b64encode(digest.digest()).decode(), digest.hexdigest()
