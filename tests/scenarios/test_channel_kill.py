"""A real daemon with a program beside it, killed again and again: nothing that got its 2xx is lost or double."""

import asyncio
import random
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.fakes.program import ANSWERS, SECRET, YAML, Program, content, signed
from tests.profile import NIGHTLY
from tests.scenarios.harness import DaemonProcess, eventually, free_port
from tests.sink import SinkSmtp

MESSAGES, KILLS = (200, 15) if NIGHTLY else (60, 4)


async def customer(port: int, todo: list[int], answered: Counter[str]) -> None:
    """Hand over messages as a program does: each again and again, until it has been answered 2xx."""
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        while todo:
            number = todo.pop()
            body = content(f"Paket {number} belum sampai", id=f"m{number}", by=f"budi-{number}")
            while True:
                try:
                    headers = signed(body, datetime.now(UTC), id=f"msg_{number}")
                    url = f"http://127.0.0.1:{port}/channels/toko"
                    if (await client.post(url, content=body, headers=headers)).status_code == 200:
                        break
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.1)
            answered[f"m{number}"] += 1


@pytest.mark.timeout(240)
async def test_p1_p2_p3_no_message_of_a_channel_is_lost_or_double_however_often_we_are_killed(
    tmp_path: Path,
) -> None:
    rng, port, answered, todo = random.Random(1), free_port(), Counter[str](), list(range(MESSAGES))
    async with SinkSmtp() as sink, Program() as program:
        secrets = {"MAILBOT_CHANNEL_SECRET_TOKO": SECRET, "MAILBOT_CHANNEL_SEND_SECRET_TOKO": ANSWERS}
        daemon = DaemonProcess(tmp_path, sink.port, secrets)
        with (daemon.config / "mailbot.yaml").open("a") as file:
            file.write(YAML.format(port=port, url=program.url))
        await daemon.start()
        clients = [asyncio.create_task(customer(port, todo, answered)) for _ in range(4)]
        for _ in range(KILLS):
            await asyncio.sleep(rng.uniform(0.5, 2.5))
            await daemon.stop(signal.SIGKILL)
            await daemon.start()
        await asyncio.gather(*clients)
        waiting = (
            "SELECT 1 FROM channel_events WHERE state != 'done' UNION SELECT 1 FROM inbox WHERE state = 'new'"
        )
        await eventually(lambda: not daemon.rows(waiting), 60)
        with closing(sqlite3.connect(daemon.database, timeout=20)) as store, store:
            store.execute("UPDATE outbox SET due_at = 0 WHERE state = 'due' AND unknown_in_a_row = 2")
        unsent = "SELECT 1 FROM outbox WHERE state NOT IN ('sent', 'suppressed')"
        await eventually(lambda: not daemon.rows(unsent), 60)
        assert await daemon.stop() == 0

    sent = {f"m{number}" for number in range(MESSAGES)}
    assert set(answered) == sent
    events = daemon.rows("SELECT external_id, inbox_id FROM channel_events WHERE state = 'done'")
    assert {each["external_id"] for each in events} == sent
    assert len({each["inbox_id"] for each in events}) == MESSAGES
    tickets = daemon.rows("SELECT customer FROM tickets WHERE channel = 'toko'")
    assert len(tickets) == len({each["customer"] for each in tickets}) == MESSAGES
    taken = Counter(headers["idempotency-key"] for headers, _ in program.taken)
    rows = daemon.rows("SELECT unknown FROM outbox WHERE domain = 'toko:' AND state = 'sent'")
    assert len(rows) == len(taken) == MESSAGES
    assert sum(taken.values()) <= MESSAGES + sum(each["unknown"] for each in rows)
