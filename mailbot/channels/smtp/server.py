"""What all SMTP sessions share: the settings that concern them, the store's door, and who is inside."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from mailbot import log
from mailbot.channels.smtp.limits import ConnectionLimits, MemoryBudget, is_within
from mailbot.config.model import Limits, Network
from mailbot.domain.model import Envelope
from mailbot.domain.policy import Policy

SHUTTING_DOWN = "421 4.3.2 Shutting down, try again later"
TOO_MANY = "421 4.7.0 Too many connections, try again later"
THIS_MACHINE = "127.0.0.1"  # the peer of a local socket, for checks of networks

Keep = Callable[[Envelope, bytes], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a session waits for what. RFC 5321 4.5.3.2.7 asks for 5 minutes between commands."""

    idle: timedelta = timedelta(minutes=5)  # for the next command
    text: timedelta = timedelta(minutes=1)  # the stretch over which a mail's text must keep the minimum rate
    keep: timedelta = timedelta(seconds=60)  # for the store, before 451
    room: timedelta = timedelta(seconds=10)  # for memory, before 452
    farewell: timedelta = timedelta(seconds=5)  # for our last words to leave
    header: timedelta = timedelta(seconds=10)  # for a proxy to name its client


class OpenSession(Protocol):
    """What the server state needs of a session."""

    def dismiss(self) -> None: ...
    def abort(self) -> None: ...


@dataclass(slots=True)
class ServerState:
    """Handed to every session. `errors` and `unproductive` are what one session may have: 5xx replies, and
    commands since it last got a mail or another recipient through."""

    hostname: str
    limits: Limits
    fronts: tuple[Network, ...]
    policy: Callable[[], Policy]
    keep: Keep
    wake: Callable[[], None]
    free_space: Callable[[], int]
    refused: Callable[[int], None]
    now: Callable[[], datetime]
    patience: Patience
    caps: ConnectionLimits
    memory: MemoryBudget
    tls: ssl.SSLContext | None = None
    require_tls: bool = False
    proxies: tuple[Network, ...] = ()
    errors: int = 20
    unproductive: int = 100
    draining: bool = False
    sessions: set[OpenSession] = field(default_factory=set)
    _keeping: set[asyncio.Task[int]] = field(default_factory=set)
    _left: asyncio.Event = field(default_factory=asyncio.Event)

    def enter(self, session: OpenSession, peer: str) -> str:
        """Accept a session. Return "" or the reply that refuses it."""
        if self.draining:
            return SHUTTING_DOWN
        if not self.caps.enter(peer, exempt=self.is_front(peer) or self.is_proxy(peer)):
            return TOO_MANY
        self.sessions.add(session)
        return ""

    def rename(self, peer: str, client: str) -> str:
        """Count a session of `peer` as one of `client`. Return "" or the reply that refuses it."""
        return "" if self.caps.move(peer, client, exempt=self.is_front(client)) else TOO_MANY

    def leave(self, session: OpenSession, peer: str) -> None:
        """Remove a session. May be called twice: both layers report the end of a broken TLS handshake."""
        if session in self.sessions:
            self.sessions.discard(session)
            self.caps.leave(peer)
            self._left.set()

    def is_front(self, peer: str) -> bool:
        return is_within(peer or THIS_MACHINE, self.fronts)

    def is_proxy(self, peer: str) -> bool:
        """Check whether this peer must begin with a PROXY header; no other peer may."""
        return is_within(peer, self.proxies)

    def has_space(self) -> bool:
        return self.free_space() >= self.limits.space_needed

    def store(self, envelope: Envelope, raw: bytes, booked: int) -> asyncio.Task[int]:
        """Start to keep a mail, even if its session ends; `booked` bytes of memory are given back then.

        The task is referenced from here, since the event loop keeps only weak references.
        """
        task = asyncio.get_running_loop().create_task(self._run_keep(envelope, raw))
        self._keeping.add(task)
        task.add_done_callback(lambda task: self._stored(task, envelope.peer, booked))
        return task

    async def _run_keep(self, envelope: Envelope, raw: bytes) -> int:
        """Wrap `keep`, so that an error before its first await is the task's too."""
        return await self.keep(envelope, raw)

    def _stored(self, task: asyncio.Task[int], peer: str, booked: int) -> None:
        self._keeping.discard(task)
        self._left.set()
        self.memory.give_back(booked)
        if task.cancelled():
            return
        if error := task.exception():
            log.session_failed(peer=peer, error=error)
        else:
            self.wake()

    async def empty(self) -> None:
        """Wait until the last session has left and the last mail is kept."""
        while self.sessions or self._keeping:
            self._left.clear()
            await self._left.wait()
