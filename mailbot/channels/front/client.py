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

from mailbot import log
from mailbot.channels.front.frames import Frame, Frames, program
from mailbot.channels.front.server import FULL
from mailbot.channels.keep import KEEP_TIMEOUT
from mailbot.config.model import Settings, Sources
from mailbot.domain.model import Envelope, ReadAhead
from mailbot.errors import StoreFull, StoreUnavailable


@dataclass(slots=True)
class _Waiting:
    """A mail that main has not answered."""

    envelope: Envelope
    raw: bytes
    read_ahead: ReadAhead | None
    answer: asyncio.Future[int]
    sent: bool = False


@dataclass(frozen=True, slots=True)
class Welcome:
    """What main gives a front: its settings, and the addresses that mail is taken for."""

    settings: Settings
    policy: "PolicyInForce"


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """The policy of main: the addresses that mail is taken for, and what it was built from."""

    version: str
    addresses: tuple[str, ...]
    sources: Sources


class MainKeeper:
    """Keeps mails through main, over a `Link`: call it with envelope and raw bytes, like `MailAcceptor`.

    `on_policy` is called when main has another policy or came back. `prepare` does what needs no
    store, with the policy that main has: it returns None for a mail that is better left to main. `on_other_program` is
    called when a new front finds a main that was started before an upgrade.
    """

    def __init__(
        self,
        on_policy: Callable[[PolicyInForce], None],
        prepare: Callable[[Envelope, bytes], ReadAhead | None],
        on_other_program: Callable[[], None],
    ) -> None:
        self._on_policy, self._prepare, self._on_other_program = on_policy, prepare, on_other_program
        program()  # as it was when we started
        self._numbers = count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._main: Frames | None = None
        self.welcome: asyncio.Future[Welcome] = asyncio.get_running_loop().create_future()

    async def __call__(self, envelope: Envelope, raw: bytes) -> int:
        """Keep a mail. Raises StoreFull at once, StoreUnavailable when main could not, or stays away too long."""
        read_ahead = self._prepare(envelope, raw)
        number, waiting = next(self._numbers), _Waiting(envelope, raw, read_ahead, asyncio.Future())
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
            *("keep", number, sent.sender, sent.recipients, sent.peer, sent.received_at, waiting.raw),
            _write(waiting.read_ahead),
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
            case ("policy", *policy):
                self._on_policy(_policy(*policy))
            case ("welcome", str(code), bytes(settings), *policy):
                self._begin(main, code, settings, _policy(*policy))
            case ("bye",):
                self._main = None  # what it has it still answers; what comes now waits for its successor

    def _begin(self, main: Frames, code: str, settings: bytes, policy: PolicyInForce) -> None:
        if not self.welcome.done():
            if code != program():
                return self._on_other_program()  # its successor will send us a welcome that we can read
            self.welcome.set_result(Welcome(pickle.loads(settings), policy))
        self._on_policy(policy)
        self._main = main
        for number, waiting in self._waiting.items():
            self._send(number, waiting)
        return None

    def on_end(self, main: Frames) -> None:
        if self._main is main:
            self._main = None
            log.main_lost(mails=sum(waiting.sent for waiting in self._waiting.values()))


def _write(read_ahead: ReadAhead | None) -> tuple[str, str, str, bytes] | None:
    """Write it so that main need not read it when it runs another version of this program."""
    if read_ahead is None:
        return None
    mail = pickle.dumps(read_ahead.mail, pickle.HIGHEST_PROTOCOL)
    return program(), read_ahead.fingerprint, read_ahead.policy, mail


def _policy(
    version: str, addresses: list[str], files: dict[str, str], templates: dict[str, str]
) -> PolicyInForce:
    return PolicyInForce(version, tuple(addresses), Sources(files, templates))
