"""A front's way to main: mails go over, and wait here while main is away.

Theory of operation. A mail stays in `_waiting` until main has answered it. When the connection ends, it is sent
again on the next one: either main had committed it, and its fingerprint is known there, or it had not. So a client
waits while main is started again, up to `KEEP_TIMEOUT`, and sees 451 only after that.
"""

import asyncio
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from mailbot import __version__, log
from mailbot.channels.front.frames import Frame, Frames
from mailbot.channels.front.server import FULL
from mailbot.channels.smtp.accept import KEEP_TIMEOUT
from mailbot.config.model import Settings
from mailbot.domain.model import Envelope
from mailbot.errors import StoreFull, StoreUnavailable


@dataclass(slots=True)
class _Waiting:
    """A mail that main has not answered. `handed_over`: it was sent when the connection ended without a `bye`."""

    envelope: Envelope
    raw: bytes
    answer: asyncio.Future[int]
    sent: bool = False
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Welcome:
    """What main gives a front: its settings, and the addresses that mail is taken for."""

    settings: Settings
    version: str
    addresses: tuple[str, ...]


class MainKeeper:
    """Keeps mails through main, over a `Link`: call it with envelope and raw bytes, like `MailAcceptor`.

    `on_policy(version, addresses)` is called when main has another policy or came back.
    """

    def __init__(self, on_policy: Callable[[str, tuple[str, ...]], None]) -> None:
        self._on_policy = on_policy
        self._numbers = count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._main: Frames | None = None
        self.welcome: asyncio.Future[Welcome] = asyncio.get_running_loop().create_future()

    async def __call__(self, envelope: Envelope, raw: bytes) -> int:
        """Keep a mail. Raises StoreFull at once, StoreUnavailable when main could not, or stays away too long."""
        number, waiting = next(self._numbers), _Waiting(envelope, raw, asyncio.Future())
        self._waiting[number] = waiting
        self._send(number, waiting)
        try:
            async with asyncio.timeout(KEEP_TIMEOUT.total_seconds()):
                return await waiting.answer
        except TimeoutError as error:
            raise StoreUnavailable("the main process gave no answer") from error
        finally:
            del self._waiting[number]

    def _send(self, number: int, waiting: _Waiting) -> None:
        if self._main is None:
            return
        sent = waiting.envelope
        self._main.send(
            "keep", number, sent.sender, sent.recipients, sent.peer, sent.received_at, waiting.raw
        )
        waiting.sent = True

    def on_frame(self, main: Frames, frame: Frame) -> None:
        match frame:
            case ("kept", int(number), int(receipt)):
                if waiting := self._waiting.get(number):
                    waiting.answer.set_result(receipt)
            case ("failed", int(number), str(why)):
                if waiting := self._waiting.get(number):
                    error = StoreFull if why == FULL else StoreUnavailable
                    waiting.answer.set_exception(error("the main process could not keep the mail"))
            case ("policy", str(version), list(addresses)):
                self._on_policy(version, tuple(addresses))
            case ("welcome", str(code), bytes(settings), str(version), list(addresses)):
                self._begin(main, code, settings, version, tuple(addresses))
            case ("bye",):
                self._main = None  # what it has it still answers; what comes now waits for its successor

    def _begin(
        self, main: Frames, code: str, settings: bytes, version: str, addresses: tuple[str, ...]
    ) -> None:
        if not self.welcome.done():
            if code != __version__:
                error = OSError(
                    f"the main process is mailbot {code}, this front {__version__}: restart mailbot"
                )
                return self.welcome.set_exception(error)
            self.welcome.set_result(Welcome(pickle.loads(settings), version, addresses))
        self._on_policy(version, addresses)
        self._main = main
        for number, waiting in self._waiting.items():
            self._send(number, waiting)
        return None

    def on_end(self, main: Frames) -> None:
        if self._main is main:
            self._main = None
            handed_over = [waiting for waiting in self._waiting.values() if waiting.sent]
            for waiting in handed_over:
                waiting.attempts += 1
            log.main_lost(mails=len(handed_over))
