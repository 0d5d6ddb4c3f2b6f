"""The place of a run: the real daemon with a fresh store, and a sink as its relay."""

import asyncio
import gc
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import corpus, generator
from tests.bench.generator import Send
from tests.bench.ledger import Ledger
from tests.bench.sink import Sink
from tests.scenarios.harness import DaemonProcess, free_port

WARM_UP = 100
GIVE_UP = 30  # seconds
WAITING = "SELECT count(*) AS n FROM outbox WHERE state IN ('due', 'deferred', 'sending', 'dot')"
UNREAD = "SELECT count(*) AS n FROM inbox WHERE state = 'new'"


@dataclass(frozen=True, slots=True)
class Stage:
    daemon: DaemonProcess
    sink: Sink

    @property
    def pid(self) -> int:
        assert self.daemon.process
        return self.daemon.process.pid

    async def play(self, ledger: Ledger, send: Send) -> None:
        """Send the mails of the ledger and wait until all of their answers are sent."""
        self.sink.arrived = ledger.arrived
        with _without_collector():
            await send(self.daemon.port, ledger)
            await ledger.all_answered()
            ledger.still_owed = await self._settled()

    async def _settled(self) -> int:
        """Wait until the mail to the staff is sent too, and return the number of mails left.

        A second copy of any mail would have come by then.
        """
        deadline = time.monotonic() + GIVE_UP
        while left := sum(self.daemon.rows(query)[0]["n"] for query in (UNREAD, WAITING)):
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.1)
        return int(left)

    async def warm_up(self) -> None:
        ledger = Ledger(corpus.mails(WARM_UP, run="warm"))
        await self.play(ledger, lambda port, ledger: generator.kept(port, ledger, connections=10))


@asynccontextmanager
async def empty(folder: Path, **env: str) -> AsyncIterator[Stage]:
    """Prepare everything but the daemon: a folder with configuration, and the sink."""
    place = Path(tempfile.mkdtemp(dir=folder))
    try:
        async with Sink() as sink:
            daemon = DaemonProcess(place, sink.port, env=env)
            shipped = daemon.config / "mailbot.yaml"  # the monitor is on as shipped, on a port of its own
            shipped.write_text(f"{shipped.read_text()}\nmonitor: 127.0.0.1:{free_port()}\n")
            yield Stage(daemon, sink)
    finally:
        shutil.rmtree(place)


@asynccontextmanager
async def running(folder: Path, **env: str) -> AsyncIterator[Stage]:
    """Run the daemon; it is killed at the end."""
    async with empty(folder, **env) as stage, stage.daemon:
        yield stage


@contextmanager
def _without_collector() -> Iterator[None]:
    """Switch off our garbage collector, whose pauses would count as the daemon's."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
