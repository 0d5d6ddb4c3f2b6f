"""The place of a run: a server that is measured, with a fresh store, and a sink as its relay."""

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
from tests.bench.targets import mailbot
from tests.bench.targets.target import Running, Target
from tests.scenarios.harness import DaemonProcess

WARM_UP = 100
GIVE_UP = 100  # seconds; what may be part of an incident waits for 60


@dataclass(frozen=True, slots=True)
class Stage:
    server: Running
    sink: Sink

    async def play(self, ledger: Ledger, send: Send) -> None:
        """Send the mails of the ledger and wait until all that they lead to is sent.

        A second copy of any mail would have come by then.
        """
        self.sink.arrived = self.server.arrival(ledger)
        with _without_collector():
            await send(self.server.port, ledger)
            await ledger.all_answered()
            deadline = time.monotonic() + GIVE_UP
            while (left := self.server.waiting()) and time.monotonic() < deadline:  # noqa: ASYNC110  (asks another process)
                await asyncio.sleep(0.1)
        ledger.still_owed = left

    async def warm_up(self) -> None:
        ledger = Ledger(corpus.mails(WARM_UP, run="warm"))
        await self.play(ledger, lambda port, ledger: generator.kept(port, ledger, connections=10))


@asynccontextmanager
async def running(folder: Path, target: Target, **env: str) -> AsyncIterator[Stage]:
    with own_folder(folder) as place:
        async with Sink() as sink, target.running(place, sink.port, env) as server:
            yield Stage(server, sink)


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[DaemonProcess]:
    """Prepare everything but the daemon: a folder with the shipped configuration, and the sink."""
    with own_folder(folder) as place:
        async with Sink() as sink:
            yield mailbot.desk(place, sink.port)


@contextmanager
def own_folder(folder: Path) -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(dir=folder))
    place.chmod(0o711)  # servers that run as a user of their own pass through
    try:
        yield place
    finally:
        shutil.rmtree(place)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Switch off our garbage collector, whose pauses would count as the server's."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
