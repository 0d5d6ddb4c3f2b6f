"""A process's place among those of one supervisor, as the supervisor hands it down in the environment."""

import ctypes
import json
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from mailbot import systemd
from mailbot.channels.smtp.limits import COPIES
from mailbot.channels.smtp.shared_limits import SharedCounts
from mailbot.config.model import Limits

VARIABLE = "MAILBOT_PLACE"
MAIN = "main"
GO, LEAVE = b"GO", b"LEAVE"  # what the supervisor sends: your predecessor has ended; your successor waits
STATE = b"STATE "  # and then JSON: see `supervisor.Supervisor.state`
PR_SET_PDEATHSIG = 1  # of prctl(2)
LARGEST_MESSAGE = 65536

SMTP, LMTP, MONITOR, CONSOLE = "smtp", "lmtp", "monitor", "console"  # names of listening sockets

NamedSocket = tuple[str, socket.socket]


def sockets_of(sockets: Sequence[NamedSocket], kind: str) -> list[socket.socket]:
    """Return those of one kind. A socket of systemd with a name of its own is for SMTP."""
    return [each for name, each in sockets if (name if name in (LMTP, MONITOR, CONSOLE) else SMTP) == kind]


@dataclass(frozen=True, slots=True)
class Place:
    """What a process is among the others.

    `sockets` are those of all processes, by kind. `peers` is where main answers the others, at `addresses[MAIN]`.
    `standby`: a process of this name still runs, and holds what only one can have.
    """

    name: str
    supervisor: systemd.Supervisor
    sockets: list[NamedSocket]
    peers: socket.socket | None
    addresses: Mapping[str, str]
    standby: bool = False
    shared: SharedCounts | None = None  # the limits per address of all processes
    doors: int = 1  # how many processes accept mail

    @property
    def is_front(self) -> bool:
        return self.name.startswith("front")

    @property
    def channel(self) -> socket.socket:
        assert self.supervisor.channel
        return self.supervisor.channel

    def wait_for_go(self) -> None:
        """Report that all is loaded, and wait until the process before us has ended. Raises OSError."""
        if self.standby:
            self.supervisor.describe(prepared="1")
            self.channel.settimeout(None)
            while message := self.channel.recv(LARGEST_MESSAGE):
                if message == GO:
                    break
            else:
                raise OSError("the supervisor has ended")
            self.channel.settimeout(1)

    def listen(self, on_leave: Callable[[], None], on_state: Callable[[bytes], None]) -> Callable[[], None]:
        """Return what reads the channel in an event loop. The end of the supervisor is a `LEAVE` too."""

        def read() -> None:
            with suppress(BlockingIOError, TimeoutError):
                message = self.channel.recv(LARGEST_MESSAGE, socket.MSG_DONTWAIT)
                if message.startswith(STATE):
                    on_state(message.removeprefix(STATE))
                elif message in (LEAVE, b""):
                    on_leave()

        return read


@dataclass(frozen=True, slots=True)
class Start:
    """How the supervisor starts a process: numbers of descriptors that it inherits."""

    name: str
    parent: int
    channel: int
    peers: int
    sockets: Sequence[tuple[str, int]]
    addresses: Mapping[str, str]
    watchdog: float
    standby: bool
    shared: int
    row: int
    rows: int
    key: str
    count: int

    def to_text(self) -> str:
        return json.dumps({name: getattr(self, name) for name in self.__slots__})

    @property
    def descriptors(self) -> tuple[int, ...]:
        return (self.channel, self.peers, self.shared, *(number for _, number in self.sockets))


def end_with(parent: int, by: signal.Signals, name: str) -> None:
    """End this process by the signal when its parent ends. Raises OSError when the parent has ended already."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, by, 0, 0, 0)
    if os.getppid() != parent:
        raise OSError(f"the {name} has ended")


def take(env: Mapping[str, str]) -> Place | None:
    """Take the place that a supervisor gave us; None without one. To be called once: it owns the descriptors.

    We end with the supervisor: what it started must not outlive it and hold the store against the next one.
    """
    if VARIABLE not in env:
        return None
    start = Start(**json.loads(env[VARIABLE]))
    end_with(start.parent, signal.SIGKILL, "supervisor")
    for number in start.descriptors:
        os.set_inheritable(number, False)
    channel = socket.socket(fileno=start.channel)
    channel.settimeout(1)
    return Place(
        start.name,
        systemd.Supervisor(watchdog=timedelta(seconds=start.watchdog), channel=channel),
        [(name, socket.socket(fileno=number)) for name, number in start.sockets],
        socket.socket(fileno=start.peers),
        start.addresses,
        start.standby,
        SharedCounts(start.shared, start.row, start.rows, bytes.fromhex(start.key)),
        start.count - start.name.startswith("front"),
    )


def divided(limits: Limits, processes: int) -> Limits:
    """Return the share of one process at the door. Large mails need memory for one of the largest in each."""
    return replace(
        limits,
        sessions=-(-limits.sessions // processes),
        in_flight=max(limits.in_flight // processes, 2 * COPIES * limits.size),
    )
