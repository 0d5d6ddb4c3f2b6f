"""The demo's stand-in for the rest of the world: an SMTP server that keeps whatever mailbot sends."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiosmtpd.smtp import SMTP

from mailbot.mail.parsing.parse import parse


@dataclass(frozen=True, slots=True)
class Caught:
    """A mail that mailbot sent. `at`: when its last byte came, by `time.monotonic`."""

    to: str
    subject: str
    text: str
    reply_to: str
    message_id: str
    at: float


class Sink:
    """Listens on a free port of its own, in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._arrived = threading.Condition()
        self._caught: list[Caught] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="sink", daemon=True)
        self.port = 0

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await self._loop.create_server(self._session, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def _session(self) -> SMTP:
        return SMTP(self, hostname="sink.demo.example", loop=self._loop)

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:
        at = time.monotonic()
        mail = parse(envelope.content)
        caught = Caught(envelope.rcpt_tos[0], mail.subject, mail.text, mail.reply_to, mail.message_id, at)
        with self._arrived:
            self._caught.append(caught)
            self._arrived.notify_all()
        return "250 2.0.0 OK"

    def wait_for(self, wanted: Callable[[Caught], bool], timeout: float) -> Caught | None:
        """The first caught mail that fits, waiting for it up to `timeout` seconds."""
        with self._arrived:
            self._arrived.wait_for(lambda: any(map(wanted, self._caught)), timeout)
            return next(filter(wanted, self._caught), None)

    def since(self, count: int) -> list[Caught]:
        """All but the first `count`."""
        with self._arrived:
            return self._caught[count:]

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
