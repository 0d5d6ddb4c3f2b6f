"""P1, P3, P5, P18 on PostgreSQL: whatever its server does, nothing is lost, doubled or left to nobody.

The suite runs all faults one after the other for a few seconds each. The nightly run takes each alone, as long
as it takes.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.postgres_proxy import Fault, PostgresProxy
from tests.profile import NIGHTLY
from tests.scenarios.harness import eventually
from tests.scenarios.ledger import check, client
from tests.scenarios.postgres import (
    PostgresDaemon,
    execute,
    own_database,
    terminate_connections,
)
from tests.sink import SinkSmtp

OPEN = (
    "SELECT 1 FROM inbox WHERE state = 'new'"
    " UNION ALL SELECT 1 FROM outbox WHERE state NOT IN ('sent', 'suppressed')"
)
HEALED_WITHIN = 60.0  # seconds after the last fault until nothing waits or is claimed any more
SEEDS = (1, 2, 3) if NIGHTLY else (1,)


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
