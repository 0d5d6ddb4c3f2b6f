"""A server that speaks the Bot API as https://core.telegram.org/bots/api describes it, with faults on demand.

It keeps updates until an offset confirms them, lets one request wait for news (another one ends it with 409), calls
a webhook with its secret again and again until it answers 2xx, and refuses what is too long.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any
from urllib.parse import unquote

import httpx

TOKEN = "4711:AAFakeTokenOfATest_0123456789-abcdef"
BOT = {"id": 4711, "is_bot": True, "first_name": "Dukungan", "username": "dukungan_bot"}
SITI = {"id": 62811, "is_bot": False, "first_name": "Siti", "last_name": "Aminah", "language_code": "id"}
RESET, SLOW, GARBAGE, HTML = "reset", "slow", "garbage", "html"


@dataclass
class Sent:
    """What the bot sent. `took`: the method by which it came."""

    chat: int
    message_id: int
    took: str
    text: str = ""
    file: str = ""
    content: bytes = field(default=b"", repr=False)


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def fields(self) -> dict[str, Any]:
        """Return the parameters, of JSON or of a form with files."""
        kind = self.headers.get("content-type", "")
        if kind.startswith("application/json"):
            return dict(json.loads(self.body))
        if not kind.startswith("multipart/"):
            return {}
        mail = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + self.body)
        found: dict[str, Any] = {}
        for part in mail.get_payload():  # type: ignore[union-attr]
            name = part.get_param("name", header="content-disposition")  # type: ignore[union-attr]
            content = part.get_payload(decode=True)  # type: ignore[union-attr]
            file = part.get_filename()  # type: ignore[union-attr]
            found[str(name)] = (file, content) if file else content.decode()  # type: ignore[union-attr]
        return found


class Failed(Exception):
    """A reply with "ok": false."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


class FakeTelegram:
    """The server. `api`: where it is. `faults`: by method, what its next requests meet, one after another."""

    def __init__(self, token: str = TOKEN) -> None:
        self.token, self.api = token, ""
        self.updates: list[dict[str, Any]] = []  # not confirmed yet
        self.sent: list[Sent] = []
        self.asked: list[str] = []  # methods
        self.files: dict[str, bytes] = {}
        self.grown: dict[str, bytes] = {}  # what is served in place of them
        self.blocked: set[int] = set()
        self.unknown: set[int] = set()  # chats that there are not
        self.faults: dict[str, list[str | int]] = {}
        self.menu: dict[str, list[str]] = {}
        self.echoes = False  # whether refusals repeat the address, as some proxies do
        self.webhook, self.secret, self.last_error = "", "", ""
        self.next_update, self._next_message = 870_000_000, 100
        self.patience = 50.0  # seconds that a question waits at most
        self._news, self._waiting = asyncio.Event(), 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "FakeTelegram":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.api = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def fail(self, method: str, *faults: str | int) -> None:
        """Let the next requests of a method fail so: RESET, SLOW, GARBAGE, HTML, or a status of HTTP."""
        self.faults.setdefault(method, []).extend(faults)

    # --- what people do -------------------------------------------------------------------------------------

    def write(self, text: str = "", by: dict[str, Any] = SITI, **more: Any) -> dict[str, Any]:
        """Let somebody write to the bot in their private chat. Returns the update."""
        chat = {"id": by["id"], "type": "private", "first_name": by["first_name"]}
        message = {"message_id": self._number(), "from": by, "chat": chat, "date": 1_795_000_000, **more}
        if text:
            message["text"] = text
        return self.happen(message=message)

    def edit(self, update: dict[str, Any], text: str) -> dict[str, Any]:
        """Let somebody change what they wrote."""
        return self.happen(edited_message={**update["message"], "text": text, "edit_date": 1_795_000_060})

    def happen(self, **what: Any) -> dict[str, Any]:
        """Make an update of anything."""
        update = {"update_id": self.next_update, **what}
        self.next_update += 1
        self.updates.append(update)
        self._news.set()
        return update

    def file(self, content: bytes, name: str = "", size: int | None = None) -> dict[str, Any]:
        """Keep a file, and return the object that a message has for it. `size`: where it lies about it."""
        file_id = f"file-{len(self.files)}"
        self.files[file_id] = content
        found = {
            "file_id": file_id,
            "file_unique_id": file_id,
            "file_size": len(content) if size is None else size,
        }
        return {**found, "file_name": name} if name else found

    def texts(self, chat: int = SITI["id"]) -> list[str]:  # type: ignore[assignment]
        """Return what the bot wrote to somebody."""
        return [each.text for each in self.sent if each.chat == chat]

    def _number(self) -> int:
        self._next_message += 1
        return self._next_message

    # --- HTTP -----------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._answer(await _request(reader), reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer a request. False: the connection ends."""
        match = re.fullmatch(r"(/file)?/bot([^/]+)/(.+)", unquote(request.path))
        if match is None or match[2] != self.token:
            known = match is not None and match[2].startswith("4711:")
            return await _reply(
                writer, *_failed(Failed(401, "Unauthorized") if known else Failed(404, "Not Found"))
            )
        method = "download" if match[1] else match[3]
        self.asked.append(method)
        fault = self.faults[method].pop(0) if self.faults.get(method) else None
        if fault == RESET:
            writer.transport.abort()
            return False
        if fault is not None and fault != SLOW:
            return await _reply(writer, *_faulty(fault, request.path if self.echoes else ""))
        if method == "download":
            file_id = match[3].removeprefix("documents/")
            found = self.grown.get(file_id, self.files.get(file_id))
            return await _reply(
                writer, 404 if found is None else 200, found or b"", "application/octet-stream"
            )
        answering = asyncio.ensure_future(self._result(method, request.fields))
        if fault == SLOW:  # it is carried out, and the reply never comes
            await answering
            await reader.read()
            return False
        hung_up = asyncio.ensure_future(reader.read(1)) if method == "getUpdates" else None
        await asyncio.wait(filter(None, (answering, hung_up)), return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            answering.cancel()
            return False
        if hung_up:
            hung_up.cancel()
            with suppress(asyncio.CancelledError):
                await hung_up
        return await _reply(writer, *answering.result())

    async def _result(self, method: str, given: dict[str, Any]) -> tuple[int, bytes, str]:
        does: Callable[[dict[str, Any]], Awaitable[Any]] | None = getattr(self, f"_{method}", None)
        if does is None:
            return _failed(Failed(404, "Not Found: method not found"))
        try:
            return 200, json.dumps({"ok": True, "result": await does(given)}).encode(), "application/json"
        except Failed as failed:
            return _failed(failed)

    # --- methods --------------------------------------------------------------------------------------------

    async def _getMe(self, given: dict[str, Any]) -> Any:
        return {**BOT, "can_join_groups": True, "can_read_all_group_messages": False}

    async def _getUpdates(self, given: dict[str, Any]) -> Any:
        if self.webhook:
            raise Failed(409, "Conflict: can't use getUpdates method while webhook is active")
        self._waiting += 1
        mine = self._waiting
        self._news.set()  # ends another request that waits
        offset = given.get("offset", 0)
        self.updates = [each for each in self.updates if each["update_id"] >= offset]
        with suppress(TimeoutError):
            async with asyncio.timeout(min(given.get("timeout", 0), self.patience)):
                while not self.updates and self._waiting == mine:
                    self._news.clear()
                    await self._news.wait()
        if self._waiting != mine:
            raise Failed(409, "Conflict: terminated by other getUpdates request")
        return self.updates[: given.get("limit", 100)]

    async def _setWebhook(self, given: dict[str, Any]) -> Any:
        self.webhook, self.secret = given["url"], given.get("secret_token", "")
        if given.get("drop_pending_updates"):
            self.updates = []
        if self.webhook:
            task = asyncio.ensure_future(self._call())
            self._tasks.add(task)
        return True

    async def _deleteWebhook(self, given: dict[str, Any]) -> Any:
        self.webhook = self.secret = ""
        return True

    async def _setMyCommands(self, given: dict[str, Any]) -> Any:
        self.menu[given.get("language_code", "")] = [each["command"] for each in given["commands"]]
        return True

    async def _getWebhookInfo(self, given: dict[str, Any]) -> Any:
        found = {"url": self.webhook, "pending_update_count": len(self.updates)}
        return {**found, "last_error_message": self.last_error} if self.last_error else found

    async def _getFile(self, given: dict[str, Any]) -> Any:
        content = self.files.get(given["file_id"])
        if content is None:
            raise Failed(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(content) > 20_000_000:
            raise Failed(400, "Bad Request: file is too big")
        return {"file_id": given["file_id"], "file_path": f"documents/{given['file_id']}"}

    async def _sendMessage(self, given: dict[str, Any]) -> Any:
        text = str(given["text"]).strip()
        if not text:
            raise Failed(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > 4096:
            raise Failed(400, "Bad Request: message is too long")
        assert "parse_mode" not in given
        return self._take(given, "sendMessage", text)

    async def _sendPhoto(self, given: dict[str, Any]) -> Any:
        name, content = given["photo"]
        if b"odd shape" in content:
            raise Failed(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
        return self._take(given, "sendPhoto", "", name, content)

    async def _sendDocument(self, given: dict[str, Any]) -> Any:
        return self._take(given, "sendDocument", "", *given["document"])

    def _take(self, given: dict[str, Any], took: str, text: str, file: str = "", content: bytes = b"") -> Any:
        chat = int(given["chat_id"])
        if chat in self.blocked:
            raise Failed(403, "Forbidden: bot was blocked by the user")
        if chat in self.unknown:
            raise Failed(400, "Bad Request: chat not found")
        sent = Sent(chat, self._number(), took, text, file, content)
        self.sent.append(sent)
        return {
            "message_id": sent.message_id,
            "from": BOT,
            "chat": {"id": chat, "type": "private"},
            "date": 1,
        }

    async def _call(self) -> None:
        """Bring updates to the webhook, in their order, each again and again until it answers 2xx."""
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            while self.webhook:
                if not self.updates:
                    self._news.clear()
                    await self._news.wait()
                    continue
                update, headers = self.updates[0], {"X-Telegram-Bot-Api-Secret-Token": self.secret}
                try:
                    reply = await client.post(self.webhook, json=update, headers=headers)
                    self.last_error = "" if reply.is_success else f"Wrong response: {reply.status_code}"
                except httpx.HTTPError as error:
                    self.last_error = type(error).__name__
                if not self.last_error:
                    self.updates.remove(update)
                else:
                    await asyncio.sleep(0.05)


async def _request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)


def _failed(failed: Failed) -> tuple[int, bytes, str]:
    found = {"ok": False, "error_code": failed.code, "description": failed.description}
    if failed.parameters:
        found["parameters"] = failed.parameters
    return failed.code, json.dumps(found).encode(), "application/json"


def _faulty(fault: str | int, path: str) -> tuple[int, bytes, str]:
    match fault:
        case "garbage":
            return 200, b'{"ok": tr', "application/json"
        case "html":
            return 502, b"<html>Bad Gateway</html>", "text/html"
        case 429:
            return _failed(Failed(429, "Too Many Requests: retry after 7", retry_after=7))
        case _:
            return _failed(Failed(int(fault), f"Something {path}"))


async def _reply(writer: asyncio.StreamWriter, status: int, body: bytes, kind: str) -> bool:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    return True
