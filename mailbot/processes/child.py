"""One process of the supervisor: starts it, reads what it reports, signals it."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from mailbot.channels.smtp.shared_limits import SharedLimits
from mailbot.processes.place import LARGEST_MESSAGE, VARIABLE, NamedSocket, Start

MOST_SOCKETS = 8  # descriptors in one message


class Child:
    """A process. Its reports are those of sd_notify(3), on a socket pair: it can't be taken for another.

    `on_report` is called after each message with the child and the message's fields.
    """

    def __init__(self, name: str, on_report: Callable[["Child", Mapping[str, str]], None]) -> None:
        self.name, self._on_report = name, on_report
        self.ready, self.prepared, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.reloading = self.killed = self.reported = False
        self.status = self.mode = ""
        self.started_at = self.alive_at = time.monotonic()
        self.kept: list[NamedSocket] = []  # what it gave us to keep open
        self._channel, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(
        self,
        arguments: Sequence[str],
        sockets: Sequence[NamedSocket],
        peers: socket.socket,
        addresses: Mapping[str, str],
        watchdog: float,
        limits: SharedLimits,
        *,
        standby: bool,
    ) -> None:
        """Start the program. Raises OSError."""
        self.row = limits.take_row()
        numbers = [(name, listening.fileno()) for name, listening in sockets]
        start = Start(
            self.name,
            os.getpid(),
            self._theirs.fileno(),
            peers.fileno(),
            numbers,
            addresses,
            watchdog,
            standby,
            limits.file,
            self.row,
            limits.rows,
            limits.key.hex(),
            limits.rows // 2,
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mailbot", *arguments, "--as", self.name],
            env={**environment_of(self.name, os.environ), VARIABLE: start.to_text()},
            pass_fds=start.descriptors,
            stdin=subprocess.DEVNULL,
        )
        self._theirs.close()
        asyncio.get_running_loop().add_reader(self._channel, self._read)

    def send(self, message: bytes) -> None:
        with suppress(OSError):  # it has just ended
            self._channel.send(message, socket.MSG_DONTWAIT)

    def signal(self, number: signal.Signals) -> None:
        if self._process and not self.ended.is_set():
            self._process.send_signal(number)

    def reap(self) -> int | None:
        """Return the exit code, negative for a signal, when it has ended just now; else None."""
        if self.ended.is_set() or self._process is None or (code := self._process.poll()) is None:
            return None
        self._read_all()
        asyncio.get_running_loop().remove_reader(self._channel)
        self._channel.close()
        self.ended.set()
        return code

    def silent_for(self) -> float:
        """Return the seconds since it last reported that its loops turn."""
        return time.monotonic() - self.alive_at

    def _read_all(self) -> None:
        """Read what it sent before its end."""
        while self._read():
            pass

    def _read(self) -> bool:
        try:
            text, numbers, _, _ = socket.recv_fds(
                self._channel, LARGEST_MESSAGE, MOST_SOCKETS, socket.MSG_DONTWAIT
            )
        except OSError:
            return False
        if not text:
            asyncio.get_running_loop().remove_reader(self._channel)  # its end is reported by the kernel
            return False
        fields = dict(line.partition("=")[::2] for line in text.decode(errors="replace").split("\n"))
        self.kept += [(fields.get("FDNAME", ""), socket.socket(fileno=number)) for number in numbers]
        self._note(fields)
        self._on_report(self, fields)
        return True

    def _note(self, fields: Mapping[str, str]) -> None:
        self.status = fields.get("STATUS", self.status)
        self.mode = fields.get("X_MODE", self.mode)
        if "READY" in fields:
            self.ready.set()
            self.reloading, self.alive_at = False, time.monotonic()
        if "RELOADING" in fields:
            self.reloading = True
        if "WATCHDOG" in fields:
            self.alive_at = time.monotonic()
        if "X_PREPARED" in fields:
            self.prepared.set()


FOR_US = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
SECRET = re.compile("MAILBOT_.*(SECRET|PASSWORD|DKIM_KEY)|CREDENTIALS_DIRECTORY")


def environment_of(name: str, ours: Mapping[str, str]) -> dict[str, str]:
    """Return our environment without what systemd means for us alone. A front talks to clients: it gets no secret."""
    is_front = name.startswith("front")
    return {
        key: value
        for key, value in ours.items()
        if key not in FOR_US and not (is_front and SECRET.match(key))
    }
