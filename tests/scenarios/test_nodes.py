"""Several nodes on one PostgreSQL: killed again and again, their clocks apart, behind a balancer."""

import asyncio
import random
import signal
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.profile import NIGHTLY
from tests.scenarios.haproxy import HAPROXY, SOURCE, haproxy
from tests.scenarios.harness import DaemonProcess, eventually
from tests.scenarios.ledger import check, client
from tests.scenarios.postgres import PostgresDaemon, own_database
from tests.sink import SinkSmtp

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
SKEWS = ("+0", "+25h", "-26h")
KILLS = 8
OPEN = (
    "SELECT 1 FROM inbox WHERE state = 'new'"
    " UNION ALL SELECT 1 FROM outbox WHERE state NOT IN ('sent', 'suppressed')"
)
nightly = pytest.mark.skipif(not NIGHTLY, reason="takes minutes: make nightly")


def skewed(by: str) -> dict[str, str]:
    """Return the environment in which a daemon's clock is wrong."""
    if by == "+0":
        return {}
    return {"LD_PRELOAD": str(FAKETIME), "FAKETIME": by, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


async def make_nodes(
    stack: AsyncExitStack, folder: Path, database: str, relay: int, skews: tuple[str, ...]
) -> list[PostgresDaemon]:
    nodes = []
    for n, skew in enumerate(skews):
        (own := folder / f"node{n}").mkdir()
        node = PostgresDaemon(own, relay, {"MAILBOT_STORE": database, **skewed(skew)}, database_url=database)
        node.edit("mailbot.yaml", r"proxy_networks: \[\]", f"proxy_networks: [{SOURCE}]")
        nodes.append(await stack.enter_async_context(node))
    return nodes


async def kill_in_turn(nodes: list[PostgresDaemon], times: int, rng: random.Random) -> None:
    for _ in range(times):
        await asyncio.sleep(rng.uniform(1, 4))
        victim = rng.choice(nodes)
        await victim.stop(signal.SIGKILL)
        await asyncio.sleep(rng.uniform(0, 2))
        await victim.start()


@nightly
@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("skews", [("+0",) * 3, SKEWS], ids=["clocks right", "clocks a day apart"])
@pytest.mark.parametrize("balanced", [False, True], ids=["each alone", "behind HAProxy"])
async def test_three_nodes_that_are_killed_in_turn_lose_and_double_nothing(
    postgres: str, tmp_path: Path, seed: int, skews: tuple[str, ...], balanced: bool
) -> None:
    if balanced and not HAPROXY:
        pytest.skip("haproxy is not installed (apt-get install haproxy)")
    if skews == SKEWS and not FAKETIME:
        pytest.skip("libfaketime is not installed (apt-get install libfaketime)")
    rng, accepted = random.Random(seed), Counter[int]()
    print(f"seed {seed}")
    with own_database(postgres) as database:
        async with AsyncExitStack() as stack:
            sink = await stack.enter_async_context(SinkSmtp())
            nodes = await make_nodes(stack, tmp_path, database, sink.port, skews)
            ports = [node.port for node in nodes]
            if balanced:
                ports = [await stack.enter_async_context(haproxy(tmp_path, ports))]
            todo = list(range(400))
            senders = [
                asyncio.create_task(client(lambda: rng.choice(ports), todo, accepted, 0.15)) for _ in range(3)
            ]
            await kill_in_turn(nodes, KILLS, rng)
            await asyncio.gather(*senders)
            # A node that was killed counts as dead after a minute; then what it held is released.
            await eventually(lambda: not nodes[0].rows(OPEN), 120)
            check(nodes[0], sink, accepted, 400)
            for node in nodes:
                assert await node.stop() == 0
            assert nodes[0].rows("SELECT 1 FROM inbox WHERE claimed_by IS NOT NULL") == []


@pytest.mark.skipif(not HAPROXY, reason="haproxy is not installed (apt-get install haproxy)")
async def test_haproxy_names_the_client_by_proxy_v2(tmp_path: Path) -> None:
    async with SinkSmtp() as sink:
        daemon = DaemonProcess(tmp_path, sink.port)
        daemon.edit("mailbot.yaml", r"proxy_networks: \[\]", f"proxy_networks: [{SOURCE}]")
        async with daemon, haproxy(tmp_path, [daemon.port]) as port:
            accepted = Counter[int]()
            async with asyncio.timeout(20):
                await client(lambda: port, [1], accepted)
            assert accepted == {1: 1}
            assert [row["peer"] for row in daemon.rows("SELECT peer FROM inbox")] == ["127.0.0.1"]
