"""P1, P3, P5, P18 on PostgreSQL: whatever its server does, nothing is lost, doubled or left to nobody.

The suite runs all faults one after the other for a few seconds each. The nightly run takes each alone, as long
as it takes.
"""

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.postgres_proxy import Fault, PostgresProxy
from tests.profile import NIGHTLY
from tests.scenarios.harness import eventually
from tests.scenarios.ledger import check, client
from tests.scenarios.postgres import OwnServer, PostgresDaemon, execute, own_database, terminate_connections
from tests.sink import SinkSmtp

OPEN = (
    "SELECT 1 FROM inbox WHERE state = 'new'"
    " UNION ALL SELECT 1 FROM outbox WHERE state NOT IN ('sent', 'suppressed')"
)
HEALED_WITHIN = 60.0  # seconds after the last fault until nothing waits or is claimed any more
SEEDS = (1, 2, 3)  # of the nightly runs


class Storm:
    """A daemon behind a proxy, under load from clients that repeat what was not accepted."""

    def __init__(self, daemon: PostgresDaemon, proxy: PostgresProxy, sink: SinkSmtp, seed: int) -> None:
        self.daemon, self.proxy, self.sink, self.rng = daemon, proxy, sink, random.Random(seed)
        self.url = daemon.database_url
        self.accepted: Counter[int] = Counter()
        self._next, self._ended = 0, False

    async def run(self, *faults: Callable[["Storm"], Awaitable[object]]) -> None:
        """Run the faults one after the other under load, then demand the ledger within HEALED_WITHIN."""
        senders = [asyncio.create_task(self._send()) for _ in range(4)]
        for fault in faults:
            await fault(self)
        self._ended = True
        healed_at = time.monotonic()
        await asyncio.gather(*senders)
        await eventually(lambda: not self.daemon.rows(OPEN), HEALED_WITHIN)
        print(f"{self._next} mails, all settled {time.monotonic() - healed_at:.1f} s after healing")
        check(self.daemon, self.sink, self.accepted, self._next)

    async def _send(self) -> None:
        while not self._ended:
            todo = [self._next]
            self._next += 1
            await client(lambda: self.daemon.port, todo, self.accepted)
            await asyncio.sleep(0.08)

    # --- faults -------------------------------------------------------------------------------------------

    async def cut_at_commit(self, count: int, chance: float = 0.3) -> None:
        """Cut connections before or after a COMMIT until so many were."""
        faults = (Fault.BEFORE, Fault.AFTER)
        self.proxy.choose = lambda: self.rng.choice(faults) if self.rng.random() < chance else Fault.NONE
        counts = self.proxy.counts
        await eventually(lambda: counts[Fault.BEFORE] + counts[Fault.AFTER] >= count, 120)
        self.proxy.choose = lambda: Fault.NONE

    async def become_read_only(self, seconds: float, times: int = 1) -> None:
        """Let the server become read-only as after a fail-over, and writable again."""
        (row,) = execute(self.url, "SELECT current_database() AS name")
        for _ in range(times):
            alter = f"ALTER DATABASE {row['name']} SET default_transaction_read_only = "
            execute(self.url, alter + "on")
            await terminate_connections(self.url, 0.1)
            await asyncio.sleep(seconds)
            with_write = "SET default_transaction_read_only = off"
            execute(self.url, with_write, alter + "off")
            await asyncio.sleep(seconds)


@asynccontextmanager
async def storm(folder: Path, database: str, seed: int) -> AsyncIterator[Storm]:
    print(f"seed {seed}")
    async with SinkSmtp() as sink:
        with PostgresProxy(database) as proxy:
            env = {"MAILBOT_STORE": proxy.url}
            daemon = PostgresDaemon(folder, sink.port, env, database_url=database)
            async with daemon:
                yield Storm(daemon, proxy, sink, seed)
                assert await daemon.stop() == 0
                leftover = "SELECT 1 FROM inbox WHERE claimed_by IS NOT NULL UNION ALL SELECT 1 FROM nodes"
                assert daemon.rows(leftover) == []


@pytest.mark.timeout(150)
async def test_connections_that_break_around_commit_and_a_read_only_server_lose_and_double_nothing(
    postgres: str, tmp_path: Path
) -> None:
    with own_database(postgres) as database:
        async with storm(tmp_path, database, 1) as bad:
            await bad.run(
                lambda storm: storm.cut_at_commit(15),
                lambda storm: terminate_connections(storm.url, 3),
                lambda storm: storm.become_read_only(1.0),
            )


# --- nightly ------------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[OwnServer]:
    server = OwnServer(Path(tempfile.mkdtemp(prefix="mailbot-server-")))  # its own user must reach it
    yield server
    server.thaw()
    server.close()


async def crash(server: OwnServer, times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(4)
        server.kill()
        await asyncio.sleep(1)
        await asyncio.to_thread(server.start)
    await asyncio.sleep(2)


async def freeze(server: OwnServer, seconds: float) -> None:
    await asyncio.sleep(2)
    server.freeze()
    try:
        await asyncio.sleep(seconds)
    finally:
        server.thaw()


async def fail_over(server: OwnServer, times: int) -> None:
    for _ in range(times):
        for value in ("on", "off"):
            session = "SET default_transaction_read_only = off"
            alter = f"ALTER SYSTEM SET default_transaction_read_only = {value}"
            await asyncio.to_thread(execute, server.url, session, alter, "SELECT pg_reload_conf()")
            await asyncio.sleep(1.5)


LONG: dict[str, Callable[[Storm, OwnServer], Awaitable[object]]] = {
    "cut at commit 70 times": lambda storm, _: storm.cut_at_commit(70),
    "connections terminated for 30 s": lambda storm, _: terminate_connections(storm.url, 30),
    "read-only ten times": lambda _, server: fail_over(server, 10),
    "killed five times": lambda _, server: crash(server, 5),
    "frozen for 30 s": lambda _, server: freeze(server, 30),
    "frozen for 120 s": lambda _, server: freeze(server, 120),
}


@pytest.mark.skipif(not NIGHTLY, reason="takes minutes: make nightly")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fault", LONG)
async def test_a_long_fault_of_the_server_loses_and_doubles_nothing(
    server: OwnServer, tmp_path: Path, fault: str, seed: int
) -> None:
    async with storm(tmp_path, server.url, seed) as bad:
        await bad.run(lambda storm: LONG[fault](storm, server))
