"""Two nodes on one PostgreSQL with a channel: one works for it at a time, and the other goes on when it dies."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

from tests.fakes.program import ANSWERS, SECRET, YAML, Program
from tests.scenarios.harness import eventually, free_port
from tests.scenarios.postgres import PostgresDaemon, own_database
from tests.scenarios.test_channel_kill import customer
from tests.scenarios.test_nodes import nightly
from tests.sink import SinkSmtp

HOLDER = "SELECT holder, pid FROM channel_states JOIN nodes ON nodes.id = holder WHERE channel = 'toko'"
OPEN = (
    "SELECT 1 FROM channel_events WHERE state <> 'done'"
    " UNION ALL SELECT 1 FROM inbox WHERE state = 'new'"
    " UNION ALL SELECT 1 FROM outbox WHERE state NOT IN ('sent', 'suppressed')"
)


@nightly
async def test_p18_another_node_goes_on_where_the_one_that_worked_for_a_channel_is_killed(
    postgres: str, tmp_path: Path
) -> None:
    answered: Counter[str] = Counter()
    with own_database(postgres) as database:
        async with SinkSmtp() as sink, Program() as program:
            nodes, ports = [], []
            for n in range(2):
                (own := tmp_path / f"node{n}").mkdir()
                secrets = {"MAILBOT_CHANNEL_SECRET_TOKO": SECRET, "MAILBOT_CHANNEL_SEND_SECRET_TOKO": ANSWERS}
                env = {"MAILBOT_STORE": database, **secrets}
                node, port = PostgresDaemon(own, sink.port, env, database_url=database), free_port()
                with (node.config / "mailbot.yaml").open("a") as file:
                    file.write(YAML.format(port=port, url=program.url))
                nodes.append(await node.start())
                ports.append(port)
            await asyncio.gather(
                *(customer(port, list(range(n, 40, 2)), answered) for n, port in enumerate(ports))
            )
            (holder,) = nodes[0].rows(HOLDER)
            first = next(
                n for n, node in enumerate(nodes) if node.process and node.process.pid == holder["pid"]
            )
            dead, other = nodes[first], nodes[1 - first]
            await dead.stop(signal.SIGKILL)
            await customer(ports[1 - first], list(range(40, 80)), answered)
            began = asyncio.get_running_loop().time()
            await eventually(lambda: not other.rows(OPEN), 180)
            print(f"went on after {asyncio.get_running_loop().time() - began:.0f} s")
            (now,) = other.rows(HOLDER)
            assert now["holder"] != holder["holder"]
            assert await other.stop() == 0

            assert len(answered) == 80
            assert len(other.rows("SELECT 1 FROM tickets WHERE channel = 'toko'")) == 80
            taken = Counter(headers["idempotency-key"] for headers, _ in program.taken)
            rows = other.rows("SELECT unknown FROM outbox WHERE domain = 'toko:' AND state = 'sent'")
            assert len(taken) == len(rows) == 80
            assert sum(taken.values()) <= 80 + sum(each["unknown"] for each in rows)
