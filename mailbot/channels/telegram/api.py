"""Call the Bot API. The token is in each address, so errors never show one."""

import re
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from mailbot.channels.chat_files import Gone
from mailbot.channels.http_client import HttpClient, NoReply, NotSent, TooLarge
from mailbot.channels.seam import ReadLater
from mailbot.channels.telegram.shapes import File, Reply
from mailbot.config.model import Telegram
from mailbot.mail.compose.cleaning import header_text

LARGEST_FILE = 20_000_000  # bytes that a bot may fetch ("getFile")
LARGEST_REPLY = 16_000_000  # bytes: a hundred updates of the longest texts
SECONDS = 30.0
NOBODY = "0"  # the bot of no token
_TOKEN = re.compile("([0-9]{1,20}):[A-Za-z0-9_-]{1,100}")

_NO_TOKEN = ": is MAILBOT_TELEGRAM_TOKEN the bot's token?"
_OTHER = ": only one program may ask. `mailbot channels setup telegram` removes a webhook"
_HINTS = {401: _NO_TOKEN, 404: _NO_TOKEN, 409: _OTHER}

_Result = TypeVar("_Result")


class Refused(Exception):
    """Telegram's reply says no. `code`: of HTTP. The text is for operators."""

    def __init__(self, code: int, description: str, retry_after: int = 0) -> None:
        hint = _HINTS.get(code, "") or (f": again in {retry_after} s" if retry_after else "")
        super().__init__(f"Telegram answers {code} {description}".rstrip() + hint)
        self.code, self.description = code, description
        self.retry_after = timedelta(seconds=min(retry_after, 86_400)) if retry_after else None

    @property
    def is_ours(self) -> bool:
        """Check for trouble of the bot or of Telegram as a whole, whatever was asked."""
        return self.code in (401, 404, 409, 429) or self.code >= 500 or 300 <= self.code < 400


class Api:
    """The Bot API as one bot may use it. `bot`: its id, which its token begins with."""

    def __init__(self, settings: Telegram) -> None:
        self._token, found = settings.token, _TOKEN.fullmatch(settings.token)
        self.bot = found[1] if found else NOBODY
        self._http = HttpClient(settings.api)
        self.close = self._http.close

    async def call(
        self, method: str, kind: type[_Result], seconds: float = SECONDS, **content: Any
    ) -> _Result:
        """Call a method and return its result. Raises Refused, NotSent and NoReply."""
        if self.bot == NOBODY:
            raise NotSent("MAILBOT_TELEGRAM_TOKEN is missing, or it is no token as BotFather gives it")
        path = f"bot{self._token}/{method}"
        try:
            answer = await self._http.ask("POST", path, seconds=seconds, largest=LARGEST_REPLY, **content)
        except TooLarge as error:
            raise NoReply(f"its reply has {error}") from None
        try:
            reply = msgspec.json.decode(answer.body, type=Reply)
            if reply.ok and answer.status == 200:
                return msgspec.json.decode(reply.result, type=kind)
        except (ValueError, RecursionError):
            if answer.status == 200:
                raise NoReply("its reply can't be read") from None
            raise Refused(answer.status, "and no reason") from None
        words = header_text(reply.description.replace(self._token, "..."))
        code = answer.status if answer.status != 200 else reply.error_code or 500
        raise Refused(code, words, reply.parameters.get("retry_after", 0))

    async def file(self, file_id: str) -> bytes:
        """Fetch a file. Raises Gone, TooLarge, ReadLater, NotSent and NoReply."""
        try:
            place = await self.call("getFile", File, json={"file_id": file_id})
            path = f"file/bot{self._token}/{quote(place.file_path)}"
            answer = await self._http.ask("GET", path, seconds=SECONDS, largest=LARGEST_FILE)
            if answer.status != 200:
                raise Refused(400 if answer.status == 404 else answer.status, "for a file")
        except Refused as refusal:
            if refusal.is_ours:
                raise ReadLater(str(refusal)) from None
            raise (TooLarge if "too big" in refusal.description else Gone) from None
        return answer.body
