"""mailbot as a user starts it: the files of `mailbot init`, `mailbot run`, SQLite or PostgreSQL."""

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.bench.targets import postgres
from tests.bench.targets.target import NotHere, Running
from tests.scenarios.harness import ROOT, DaemonProcess, free_port

WAITING = (
    "SELECT (SELECT count(*) FROM outbox WHERE state IN ('due', 'deferred', 'sending', 'dot'))"
    " + (SELECT count(*) FROM inbox WHERE state = 'new') AS n"
)


def desk(
    folder: Path,
    relay_port: int,
    env: dict[str, str] | None = None,
    options: tuple[str, ...] = (),
    root: Path = ROOT,
    *,
    incidents: bool = False,
) -> DaemonProcess:
    """Prepare a daemon with what `mailbot init` writes, all switched on but, unless wanted, `incidents`.

    Thousands of complaints in seconds would be one incident, which saves the agents' notices and their cost.
    """
    _mailbot("init", str(folder / "config"), root=root)
    daemon = DaemonProcess(folder, relay_port, env or {}, options, root=root)
    daemon.edit("mailbot.yaml", r"(?m)^monitor: .*$", f"monitor: 127.0.0.1:{free_port()}")
    if not incidents:
        daemon.edit("mailbot.yaml", r"(?m)^    incident: .*\n(      .*\n)+", "")
    return daemon


@dataclass(frozen=True, slots=True)
class OnSqlite:
    """`root`: the checkout whose code runs; another one shows what a change gave."""

    name: str = "sqlite"
    processes: int = 1
    root: Path = ROOT
    incidents: bool = False

    def check(self) -> str:
        return _version(self.processes, self.root)

    @asynccontextmanager
    async def running(self, folder: Path, relay_port: int, env: dict[str, str]) -> AsyncIterator[Running]:
        options = _options(self.processes)
        daemon = desk(folder, relay_port, env, options, self.root, incidents=self.incidents)
        async with _daemon(daemon, lambda: int(daemon.rows(WAITING)[0]["n"])) as running:
            yield running


@dataclass(frozen=True, slots=True)
class OnPostgres:
    """The server is part of the cost: its CPU and its memory count."""

    name: str = "postgres"
    processes: int = 1

    def check(self) -> str:
        return f"{_version(self.processes)} on {postgres.check()}"

    @asynccontextmanager
    async def running(self, folder: Path, relay_port: int, env: dict[str, str]) -> AsyncIterator[Running]:
        async with postgres.server(folder, env) as server:
            its = {**env, "MAILBOT_STORE": server.url}
            daemon = desk(folder, relay_port, its, _options(self.processes))
            async with _daemon(daemon, lambda: server.number(WAITING), server.pid) as running:
                yield running


@asynccontextmanager
async def _daemon(daemon: DaemonProcess, waiting: Callable[[], int], *others: int) -> AsyncIterator[Running]:
    async with daemon:
        assert daemon.process
        yield Running(daemon.port, (daemon.process.pid, *others), waiting)
        code = await daemon.stop()
        assert code == 0, f"it ended with {code}: {daemon.log[-2000:]}"


def _options(processes: int) -> tuple[str, ...]:
    return () if processes == 1 else ("--processes", str(processes))


@cache
def _version(processes: int, root: Path = ROOT) -> str:
    """Return the version, with the folder of another checkout. Raises NotHere."""
    told = _mailbot("--version", root=root).strip().replace(", version", "")
    if root != ROOT:
        told = f"{told} of {root}"
    if processes == 1:
        return told
    if "--processes" not in _mailbot("run", "--help", root=root):
        raise NotHere("`mailbot run` has no --processes here")
    return f"{told}, {processes} processes"


def _mailbot(*words: str, root: Path) -> str:
    command = (sys.executable, "-m", "mailbot", *words)
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
