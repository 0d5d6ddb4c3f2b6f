"""The demo's SMTP sink: it keeps all mail that mailbot sends, so that nothing leaves this machine."""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiosmtpd.controller import Controller

from mailbot.mail.parsing.parse import parse


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A mail that mailbot sent. `at` is when its last byte came, by `time.monotonic`."""

    to: str
    subject: str
    text: str
    reply_to: str
    message_id: str
    at: float


class Sink:
    """A server in its own thread, on a free port."""

    def __init__(self) -> None:
        with socket.socket() as probe:  # aiosmtpd must know the port before it listens
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._mails: list[ReceivedMail] = []
        self._arrived = threading.Condition()
        self._controller = Controller(self, "127.0.0.1", self.port)

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        at, mail = time.monotonic(), parse(envelope.content)
        to = envelope.rcpt_tos[0]
        with self._arrived:
            self._mails.append(ReceivedMail(to, mail.subject, mail.text, mail.reply_to, mail.message_id, at))
            self._arrived.notify_all()
        return "250 2.0.0 OK"

    def wait_for(self, matches: Callable[[ReceivedMail], bool], timeout: float) -> ReceivedMail | None:
        """Return the first mail that matches, and wait for it up to `timeout` seconds."""
        with self._arrived:
            self._arrived.wait_for(lambda: any(map(matches, self._mails)), timeout)
            return next(filter(matches, self._mails), None)

    def mails_after(self, count: int) -> list[ReceivedMail]:
        """Return all but the first `count` mails."""
        with self._arrived:
            return self._mails[count:]
