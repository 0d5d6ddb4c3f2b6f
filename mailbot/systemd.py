"""Talks to systemd, or another supervisor of its protocol: readiness, watchdog, inherited sockets."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic_ns
from typing import Literal

from mailbot import log

FIRST_FD = 3  # SD_LISTEN_FDS_START, sd_listen_fds(3)


@dataclass(frozen=True, slots=True)
class Supervisor:
    """The process that started us: systemd, or our own supervisor (`processes`), which gives a `channel`.

    `address` of its notification socket, or ""; `watchdog`: its timeout.
    """

    address: str = ""
    watchdog: timedelta | None = None
    channel: socket.socket | None = None

    def ready(self, status: str = "") -> None:
        self._send("READY=1", _status(status))

    def reloading(self) -> None:
        """Report a reload; call `ready` when it is done. `Type=notify-reload` needs the time."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={monotonic_ns() // 1000}")

    def stopping(self, status: str = "") -> None:
        self._send("STOPPING=1", _status(status))

    def keep_sockets(self, sockets: Sequence[tuple[str, socket.socket]]) -> None:
        """Have our own supervisor keep listening sockets open for its other processes and for later ones."""
        for name, listening in sockets if self.channel else ():
            assert self.channel
            socket.send_fds(self.channel, [f"FDSTORE=1\nFDNAME={name}".encode()], [listening.fileno()])

    def describe(self, **facts: str) -> None:
        """Send facts that only our own supervisor asks for, in the form that sd_notify(3) leaves to us."""
        if self.channel:
            self._send(*(f"X_{name.upper()}={value}" for name, value in facts.items()))

    def status(self, text: str) -> None:
        self._send(_status(text))

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        """Send one datagram, sd_notify(3). A supervisor that is gone must not stop the mail."""
        text = "\n".join(filter(None, lines)).encode()
        try:
            if self.channel:
                self.channel.send(text)
            elif self.address:
                self._send_to(f"\0{self.address[1:]}" if self.address.startswith("@") else self.address, text)
        except OSError as error:
            log.supervisor_unreachable(error=error)

    def _send_to(self, name: str, text: bytes) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.settimeout(1)
            channel.sendto(text, name)


@dataclass(frozen=True, slots=True)
class Watchdog:
    """The worker that keeps the supervisor from restarting us, as long as no loop is stuck."""

    supervisor: Supervisor
    every: timedelta
    stuck: Callable[[], Sequence[str]]  # returns the names of stuck loops
    name: Literal["watchdog"] = "watchdog"
    stop_stage: Literal["background"] = "background"

    async def run_once(self) -> timedelta:
        if names := self.stuck():
            log.loops_stuck(names=names)
            self.supervisor.status(f"stuck: {', '.join(names)}")
        else:
            self.supervisor.alive()
        return self.every


def from_environment(env: Mapping[str, str], pid: int) -> Supervisor:
    """Read NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID."""
    usec = int(env.get("WATCHDOG_USEC", "0")) if env.get("WATCHDOG_PID", str(pid)) == str(pid) else 0
    return Supervisor(env.get("NOTIFY_SOCKET", ""), timedelta(microseconds=usec) if usec else None)


def inherited_sockets(env: Mapping[str, str], pid: int) -> list[tuple[str, socket.socket]]:
    """Return the listening sockets we were started with, as (FileDescriptorName, socket), sd_listen_fds(3).

    To be called once: the sockets own their descriptors. Their protocol comes from the kernel, so asyncio
    sets TCP_NODELAY on what they accept.
    """
    if env.get("LISTEN_PID") != str(pid):  # the variables were meant for our parent
        return []
    count = int(env.get("LISTEN_FDS", "0"))
    names = env.get("LISTEN_FDNAMES", "").split(":") + [""] * count
    return [(name, _adopt(FIRST_FD + index)) for index, name in enumerate(names[:count])]


def _adopt(fd: int) -> socket.socket:
    os.set_inheritable(fd, False)
    return socket.socket(fileno=fd)


def _status(text: str) -> str:
    return f"STATUS={' '.join(text.split())}" if text else ""
