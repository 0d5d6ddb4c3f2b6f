"""P1, P2, P3 under kill -9: nothing with a 250 is lost, nothing is twice there, doubles stand in `dot`."""

import asyncio
import random
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.profile import NIGHTLY
from tests.scenarios.harness import DaemonProcess, eventually
from tests.scenarios.ledger import check, client
from tests.sink import SinkSmtp

MAILS, KILLS = (300, 20) if NIGHTLY else (120, 8)


@pytest.mark.timeout(170)
@pytest.mark.parametrize("seed", [1])
async def test_p1_p2_p3_no_mail_is_lost_and_no_ticket_is_double_however_often_we_are_killed(
    seed: int, tmp_path: Path
) -> None:
    rng = random.Random(seed)
    async with SinkSmtp() as sink:
        daemon = DaemonProcess(tmp_path, sink.port)
        todo, accepted = list(range(MAILS)), Counter[int]()
        await daemon.start()
        clients = [asyncio.create_task(client(lambda: daemon.port, todo, accepted)) for _ in range(6)]
        for _ in range(KILLS):
            await asyncio.sleep(rng.uniform(0.0, 0.15))
            await daemon.stop(signal.SIGKILL)
            await daemon.start()
        await asyncio.gather(*clients)
        await eventually(lambda: not daemon.rows("SELECT 1 FROM inbox WHERE state = 'new'"), 60)
        # A mail that was at its dot at two kills waits for two hours: let them pass.
        with closing(sqlite3.connect(daemon.database, timeout=20)) as store, store:
            store.execute("UPDATE outbox SET due_at = 0 WHERE state = 'due' AND unknown_in_a_row = 2")
        await eventually(
            lambda: not daemon.rows("SELECT 1 FROM outbox WHERE state NOT IN ('sent', 'suppressed')"), 60
        )
        assert await daemon.stop() == 0

        check(daemon, sink, accepted, MAILS)
