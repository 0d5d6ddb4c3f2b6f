"""A receiver of webhooks that verifies as the Standard Webhooks specification 1.0 says, and fails on request."""

import asyncio
import base64
import hmac
import json
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

TOLERANCE = 300  # seconds that a timestamp may differ
OK = "204"
# Other steps than a status: the connection is reset, nothing is answered, an answer drips for ever or never ends.
RESET, SILENT, DRIP, HUGE = "reset", "silent", "drip", "huge"


@dataclass(frozen=True, slots=True)
class Received:
    """A message whose signature is right. `answer`: the step that was taken for it."""

    identity: str
    body: dict[str, Any]
    host: str
    path: str
    answer: str

    @property
    def type(self) -> str:
        return str(self.body["type"])


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Check a message by one secret, as its receiver knows it."""
    identity, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(now - int(timestamp)) > TOLERANCE:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = hmac.digest(key, f"{identity}.{timestamp}.".encode() + body, "sha256")
    marks = [mark.split(",", 1) for mark in headers["webhook-signature"].split(" ")]
    return any(
        version == "v1" and hmac.compare_digest(base64.b64decode(mark), wanted) for version, mark in marks
    )


@dataclass
class WebhookReceiver:
    """Listens on loopback. `steps`: what happens to the next messages, then `usual`: a status, or a fault above.

    `location`: of redirects. `pause`: what `Retry-After` says. `connections` counts what came in, with or without
    a message.
    """

    secret: str
    steps: list[str] = field(default_factory=list)
    usual: str = OK
    location: str = ""
    pause: str = ""
    tls: ssl.SSLContext | None = None
    now: Callable[[], float] = time.time  # by which it judges timestamps
    port: int = 0
    messages: list[Received] = field(default_factory=list)
    wrong: int = 0  # messages whose signature is wrong
    connections: int = 0

    def __post_init__(self) -> None:
        self._arrived = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def taken(self) -> list[Received]:
        """Return the messages that were answered 2xx."""
        return [each for each in self.messages if each.answer.startswith("2")]

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/hooks"

    async def __aenter__(self) -> "WebhookReceiver":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def wait_for(self, count: int, *, within: float = 30) -> list[Received]:
        """Wait until so many messages were taken."""
        async with asyncio.timeout(within), self._arrived:
            await self._arrived.wait_for(lambda: len(self.taken) >= count)
        return self.taken

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while await self._message(reader, writer):
                    await writer.drain()
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _message(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Take one message. Return whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        step = self.steps.pop(0) if self.steps else self.usual
        if not verify(self.secret, headers, body, self.now()):
            self.wrong, step = self.wrong + 1, "401"
        else:
            path = first.split(" ")[1]
            self.messages.append(
                Received(headers["webhook-id"], json.loads(body), headers["host"], path, step)
            )
        goes_on = await self._answer(step, writer)
        async with self._arrived:
            self._arrived.notify_all()
        return goes_on

    async def _answer(self, step: str, writer: asyncio.StreamWriter) -> bool:
        match step:
            case "reset":
                writer.transport.abort()
            case "silent":
                await asyncio.sleep(3600)
            case "drip":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while True:
                    writer.write(b".")
                    await writer.drain()
                    await asyncio.sleep(0.05)
            case "huge":
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                while True:
                    writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
                    await writer.drain()
            case _:
                where = f"Location: {self.location}\r\n" if self.location else ""
                where += f"Retry-After: {self.pause}\r\n" if self.pause else ""
                length = "" if step == "204" else "Content-Length: 0\r\n"
                writer.write(f"HTTP/1.1 {step} X\r\n{where}{length}\r\n".encode())
                return True
        return False
