"""Main's side of its links: keeps the mails that fronts send, gives them settings and policy, asks for reports."""

import asyncio
import pickle
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from mailbot import log
from mailbot.channels.front.frames import Frame, Frames, program
from mailbot.channels.front.link import Report
from mailbot.config.model import Settings, Sources
from mailbot.domain.model import Envelope, ReadAhead
from mailbot.domain.policy import Policy
from mailbot.errors import StoreFull

FULL, UNAVAILABLE = "full", "unavailable"  # why a mail was not kept: 452, or 451
PATIENCE = 1.0  # seconds for a process to report on itself


class FrontServer:
    """The service that answers fronts and nodes on `listening`. 250 follows only the commit, as at the listener.

    keep(envelope, raw, read_ahead) returns the id of the inbox row after its commit, or raises.
    `policy` returns the one in force, and what it was built from: a front builds its own to route by.
    `waits`: a stop waits until all have hung up, since they still bring mail.
    """

    name: Final = "fronts"
    stop_stage: Final = "accept"

    def __init__(
        self,
        listening: socket.socket,
        settings: Settings,
        policy: Callable[[], tuple[Policy, Sources]],
        keep: Callable[[Envelope, bytes, ReadAhead | None], Awaitable[int]],
        *,
        waits: bool,
    ) -> None:
        self._listening, self._policy, self._keep, self._waits = listening, policy, keep, waits
        # A front talks to clients: no key and no password may be in its memory.
        relay = replace(settings.relay, user="", password="")
        self._settings = replace(settings, secret=None, previous_secrets=(), dkim=None, imap=(), relay=relay)
        self._fronts: dict[Frames, str] = {}
        self._asked: dict[int, asyncio.Future[Report]] = {}
        self._numbers = count(1)
        program()  # as it was when we started
        self.reports: dict[str, Report] = {}  # the newest of each process that is connected
        self._keeping: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self.leaving = False  # a successor of ours waits: fronts stay, and hold their mail for it

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(
            lambda: Frames(self._on_frame, self._on_end), sock=self._listening
        )

    async def stop(self, span: timedelta) -> None:
        """Let fronts finish their sessions and hang up, or have them wait for our successor."""
        if self._server:
            self._server.close()
        if self.leaving:
            for front in self._fronts:
                front.send("bye")
        try:
            async with asyncio.timeout(span.total_seconds()):
                while self._keeping or (self._fronts and self._waits and not self.leaving):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            log.fronts_left(names=sorted(self._fronts.values()))
        for front in tuple(self._fronts):
            front.close()

    async def ask(self) -> None:
        """Renew `reports`. One that gives none keeps its last; one that has ended has none."""
        asked = [self._ask(front) for front in self._fronts]
        if asked:
            await asyncio.wait(asked, timeout=PATIENCE)
        self._asked.clear()

    def _ask(self, front: Frames) -> "asyncio.Future[Report]":
        number, answer = next(self._numbers), asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        front.send("report", number)
        return answer

    def publish_policy(self) -> None:
        """Give all fronts the policy as it is now, and have them read the certificate again."""
        for front in self._fronts:
            front.send("policy", *self._describe_policy())

    def _describe_policy(self) -> tuple[str, list[str], dict[str, str], dict[str, str]]:
        policy, sources = self._policy()
        addresses = [box.address for box in policy.mailboxes.values()]
        return policy.version, addresses, dict(sources.files), dict(sources.templates)

    def _on_frame(self, front: Frames, frame: Frame) -> None:
        match frame:
            case ("keep", int(number), *rest):
                task = asyncio.create_task(self._answer(front, number, *rest))
                self._keeping.add(task)
                task.add_done_callback(self._kept)
            case ("report", int(number), dict(report)):
                self.reports[self._fronts[front]] = report
                if answer := self._asked.pop(number, None):
                    answer.set_result(report)
            case ("hello", str(name)):
                self._fronts[front] = name
                log.front_connected(name=name)
                blob = pickle.dumps(self._settings)
                front.send("welcome", program(), blob, *self._describe_policy())

    async def _answer(
        self,
        front: Frames,
        number: int,
        sender: str,
        recipients: tuple[str, ...],
        peer: str,
        received_at: datetime,
        raw: bytes,
        read_ahead: tuple[str, str, str, bytes] | None,
    ) -> None:
        envelope = Envelope(sender, recipients, peer, received_at)
        try:
            front.send("kept", number, await self._keep(envelope, raw, _read(read_ahead)))
        except StoreFull:
            return front.send("failed", number, FULL)
        except Exception as error:  # whatever our own fault, the client shall try again (promise P4)
            log.session_failed(peer=peer, error=error)
            return front.send("failed", number, UNAVAILABLE)
        return None

    def _kept(self, task: asyncio.Task[None]) -> None:
        self._keeping.discard(task)
        self._changed.set()

    def _on_end(self, front: Frames) -> None:
        name = self._fronts.pop(front, "")
        if name not in self._fronts.values():
            self.reports.pop(name, None)
        self._changed.set()


def _read(read_ahead: tuple[str, str, str, bytes] | None) -> ReadAhead | None:
    """Read what a front found out about a mail; None for one that runs another version of this program."""
    if read_ahead is None or read_ahead[0] != program():
        return None
    _, fingerprint, policy, mail = read_ahead
    return ReadAhead(fingerprint, policy, pickle.loads(mail))
