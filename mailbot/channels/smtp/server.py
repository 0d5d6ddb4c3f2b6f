"""State that all SMTP and LMTP sessions share: settings, limits, and the sessions that are open."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from mailbot import log
from mailbot.channels.smtp.limits import ConnectionLimits, MemoryBudget, is_within
from mailbot.config.model import Limits, Network
from mailbot.domain.model import Envelope
from mailbot.domain.policy import Policy

SHUTTING_DOWN = "421 4.3.2 Shutting down, try again later"
TOO_MANY = "421 4.7.0 Too many connections, try again later"
PUT_OUT = "421 4.3.2 Too busy for silent clients, try again later"
SHORTEST_IDLE = 3.0  # seconds of silence after which a client may lose its place to another one
MAX_WAITING = 500  # clients at once that wait for a place
MAX_LINGERING = 500  # refused clients at once whose reply we wait for to be read
LEAST_IN_MEMORY, MOST_IN_MEMORY = 16 * 1024, 256 * 1024  # bytes of a mail that is being received
STRESS_RATE = 4  # times the minimum rate that a mail's text must keep under stress
STRESS_COMMANDS = 20  # that a session may send without a mail, under stress
THIS_MACHINE = "127.0.0.1"  # the peer of a local socket, for checks of networks

Keep = Callable[[Envelope, bytes], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a session waits for what. RFC 5321 4.5.3.2.7 asks for 5 minutes between commands."""

    command: timedelta = timedelta(minutes=5)  # for the next command
    first_command: timedelta = timedelta(seconds=30)  # for the first, which clients send at once
    handshake: timedelta = timedelta(seconds=15)  # of TLS
    text: timedelta = timedelta(minutes=1)  # span over which a mail's text must keep the minimum rate
    stress: timedelta = timedelta(seconds=10)  # for each of these at most, while places are few
    keep: timedelta = timedelta(seconds=60)  # for the store, before 451
    turn: timedelta = timedelta(
        seconds=60
    )  # for a large mail's turn while the store keeps no other, before 451
    place: timedelta = timedelta(seconds=5)  # for a place, while all are taken, before 421
    close: timedelta = timedelta(seconds=5)  # for the last reply to leave
    proxy_header: timedelta = timedelta(seconds=10)  # for a proxy to name its client


class OpenSession(Protocol):
    """What the server state needs of a session."""

    peer: str

    def drain(self) -> None: ...
    def abort(self) -> None: ...
    def idle_seconds(self) -> float: ...
    def put_out(self) -> None: ...
    def hurry(self) -> None: ...
    def welcome(self) -> None: ...


@dataclass(slots=True)
class ServerState:
    """One for all sessions.

    `max_errors`: 5xx replies of one session. `max_unproductive`: its commands since a mail or another
    recipient was accepted.
    """

    hostname: str
    limits: Limits
    fronts: tuple[Network, ...]
    policy: Callable[[], Policy]
    keep: Keep
    free_space: Callable[[], int]
    count_refusal: Callable[[int], None]
    now: Callable[[], datetime]
    timeouts: Timeouts
    connection_limits: ConnectionLimits
    memory: MemoryBudget
    tls: ssl.SSLContext | None = None
    require_tls: bool = False
    proxies: tuple[Network, ...] = ()
    max_errors: int = 20
    max_unproductive: int = 100
    draining: bool = False
    spool: Path | None = (
        None  # the directory of mails that are being received; None: the system's for such files
    )
    sessions: set[OpenSession] = field(default_factory=set)
    waiting: dict[OpenSession, None] = field(default_factory=dict)  # for a place, in the order they came
    lingering: set[asyncio.BaseTransport] = field(default_factory=set)  # of clients that were refused
    _keeping: set[asyncio.Task[int]] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def enter(self, session: OpenSession) -> str | None:
        """Give a session its place. Return "", the reply that refuses it, or None: it waits for a place."""
        peer, limits = session.peer, self.connection_limits
        if self.draining:
            return SHUTTING_DOWN
        if not limits.reserve(peer, exempt=self._is_exempt(peer)):
            return TOO_MANY
        if self._is_full(peer):
            self.make_room()
        if not self._is_full(peer):
            self._seat(session)
            return ""
        if len(self.waiting) >= MAX_WAITING:
            limits.release(peer)
            return TOO_MANY
        self.waiting[session] = None
        return None

    def make_room(self) -> None:
        """Put out the client that has been silent for longest, if that was long enough."""
        silent = [each for each in self.sessions if not self.is_front(each.peer)]
        longest = max(silent, key=lambda each: each.idle_seconds(), default=None)
        if longest is not None and longest.idle_seconds() >= SHORTEST_IDLE:
            longest.put_out()
            self.leave(longest)

    def leave(self, session: OpenSession) -> None:
        """Remove a session. May be called twice: both layers report the end of a broken TLS handshake."""
        if session in self.waiting:
            del self.waiting[session]
        elif session in self.sessions:
            self.sessions.discard(session)
            self.connection_limits.change(-1)
        else:
            return
        self.connection_limits.release(session.peer)
        self._changed.set()
        self._fill_places()

    def _fill_places(self) -> None:
        """Give free places to those that wait, first come, first served."""
        for session in () if self.draining else tuple(self.waiting):
            if self.connection_limits.sessions >= self.limits.sessions:
                return
            if not self._is_full(session.peer):
                del self.waiting[session]
                self._seat(session)
                asyncio.get_running_loop().call_soon(session.welcome)

    def _seat(self, session: OpenSession) -> None:
        calm = not self.connection_limits.stress
        self.sessions.add(session)
        self.connection_limits.change(1)
        if calm and self.connection_limits.stress:
            for each in self.sessions:
                each.hurry()

    def _is_full(self, peer: str) -> bool:
        return self.connection_limits.is_full(peer, self.now(), exempt=self._is_exempt(peer))

    def _is_exempt(self, peer: str) -> bool:
        return self.is_front(peer) or self.is_proxy(peer)

    def patience(self, usual: timedelta) -> float:
        """Return the seconds that a client may take, fewer under stress."""
        return min(usual, self.timeouts.stress if self.connection_limits.stress else usual).total_seconds()

    @property
    def in_memory(self) -> int:
        """Return the bytes of one mail that stay in memory: all sessions together use half of the memory for mails."""
        return min(MOST_IN_MEMORY, max(LEAST_IN_MEMORY, self.limits.in_flight // (2 * self.limits.sessions)))

    @property
    def minimum_rate(self) -> int:
        return self.limits.minimum_rate * (STRESS_RATE if self.connection_limits.stress else 1)

    @property
    def most_unproductive(self) -> int:
        return (
            min(self.max_unproductive, STRESS_COMMANDS)
            if self.connection_limits.stress
            else self.max_unproductive
        )

    def change_peer(self, peer: str, client: str) -> str:
        """Count a session of `peer` as one of `client`. Return "" or the reply that refuses it."""
        return "" if self.connection_limits.move(peer, client, exempt=self.is_front(client)) else TOO_MANY

    def is_front(self, peer: str) -> bool:
        return is_within(peer or THIS_MACHINE, self.fronts)

    def is_proxy(self, peer: str) -> bool:
        """Check whether this peer must begin with a PROXY header; no other peer may."""
        return is_within(peer, self.proxies)

    def has_space(self) -> bool:
        return self.free_space() >= self.limits.space_needed

    def keep_mail(self, envelope: Envelope, raw: bytes, booked: int) -> asyncio.Task[int]:
        """Start to keep a mail, even if its session ends; `booked` bytes of memory are given back then.

        The task is referenced from here, since the event loop keeps only weak references.
        """
        task = asyncio.get_running_loop().create_task(self._run_keep(envelope, raw))
        self._keeping.add(task)
        task.add_done_callback(lambda task: self._kept(task, envelope.peer, booked))
        return task

    async def _run_keep(self, envelope: Envelope, raw: bytes) -> int:
        """Wrap `keep`, so that an error before its first await is the task's too."""
        return await self.keep(envelope, raw)

    def _kept(self, task: asyncio.Task[int], peer: str, booked: int) -> None:
        self._keeping.discard(task)
        self._changed.set()
        self.memory.give_back(booked)
        if task.cancelled():
            return
        if error := task.exception():
            log.session_failed(peer=peer, error=error)
            return
        self.memory.note_progress()
        self.connection_limits.note_accepted(peer, self.now())

    @property
    def busy(self) -> bool:
        """Return whether a session is open or a mail is being kept."""
        return bool(self.sessions or self.waiting or self._keeping)

    async def wait_until_empty(self) -> None:
        """Wait until the last session has left and the last mail is kept."""
        while self.busy:
            self._changed.clear()
            await self._changed.wait()
