"""The process of the pages, beside the daemon that starts it: no mail waits while a page is made.

Theory of operation. The daemon listens at the pages' port and hands the socket down. Visitors wait there while the
process starts, or starts again. The process belongs to its daemon: it has no row among the nodes and ends with it.
By signals it asks the daemon to look for mail and to reload, and a reload that was taken reaches it the same way.
"""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from mailbot import log
from mailbot.config.model import Console
from mailbot.processes import place
from mailbot.processes.place import CONSOLE, NamedSocket
from mailbot.workers.health.http_monitor import open_port
from mailbot.workers.loop import backoff

VARIABLE = "MAILBOT_PAGES"
# What systemd, or a supervisor, gave the daemon alone.
OF_THE_DAEMON = (
    *("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"),
    place.VARIABLE,
)
LOWER = 5  # of nice(2): mail goes before
STEADY = 60.0  # seconds after which an end is no repeated failure
DRAIN = 15.0  # seconds for requests under way


@dataclass(frozen=True, slots=True)
class Beside:
    """What the process of the pages knows of its daemon: the process number, and the sockets for visitors."""

    daemon: int
    sockets: Sequence[NamedSocket]

    def wake(self) -> None:
        """Let the daemon look for mail that is to be decided or sent."""
        self._signal(signal.SIGURG)

    def reload(self) -> None:
        """Let the daemon take the policy in the files. What it takes comes back to us."""
        self._signal(signal.SIGHUP)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # it ends, and we with it
            os.kill(self.daemon, number)


def take(env: Mapping[str, str]) -> Beside | None:
    """Take what the daemon handed down; None for any other process. Raises OSError when the daemon has ended."""
    if VARIABLE not in env:
        return None
    given = json.loads(env[VARIABLE])
    place.end_with(given["daemon"], signal.SIGTERM, "daemon")
    with suppress(OSError):
        os.nice(LOWER)
    for number in given["sockets"]:
        os.set_inheritable(number, False)
    return Beside(given["daemon"], [(CONSOLE, socket.socket(fileno=number)) for number in given["sockets"]])


class ConsoleProcess:
    """The service that starts the process, starts it again when it ends, and stops it.

    `sockets`: listening ones in place of host and port. `env`: of the daemon.
    """

    name: Final = "console"
    stop_stage: Final = "accept"

    def __init__(
        self, directory: Path, console: Console, env: Mapping[str, str], sockets: Sequence[socket.socket] = ()
    ) -> None:
        self._console, self._sockets = console, list(sockets)
        self._words = ("-m", "mailbot", "run", "--config", str(directory), "--roles", "console")
        self._env = {name: value for name, value in env.items() if name not in OF_THE_DAEMON}
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Listen and start the process. A taken port is logged: mail matters more."""
        try:
            self._sockets = self._sockets or [open_port(self._console.host, self._console.port)]
        except OSError as error:
            log.console_unavailable(error=error)
            return
        self._task = asyncio.create_task(self._watch(), name="console process")

    def request_reload(self) -> None:
        """Let the process take the policy that the daemon has taken."""
        if self._process:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGHUP)

    async def stop(self, span: timedelta = timedelta()) -> None:
        """Let requests under way finish, and close."""
        self._stopping.set()
        if self._process and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()
            try:
                async with asyncio.timeout(DRAIN):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
        if self._task:
            await self._task
        for each in self._sockets:
            each.close()

    async def _watch(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            self._process = await self._start()
            if self._stopping.is_set():  # `stop` came in between and saw no process
                self._process.terminate()
            code = await self._process.wait()
            if self._stopping.is_set():
                return
            failures = 1 if time.monotonic() - began > STEADY else failures + 1
            rest = backoff(failures)
            log.process_restarts(name=self.name, pid=self._process.pid, code=code, restart_in=rest)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), rest)

    async def _start(self) -> asyncio.subprocess.Process:
        numbers = [each.fileno() for each in self._sockets]
        given = json.dumps({"daemon": os.getpid(), "sockets": numbers})
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *self._words,
            env={**self._env, VARIABLE: given},
            pass_fds=numbers,
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the daemon, which then stops it
        )
