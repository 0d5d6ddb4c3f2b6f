"""A customer writes to the bot, and everything happens there: ticket, answer, closing word, rating."""

import asyncio
import json
import random
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.telegram import SITI, TOKEN, FakeTelegram
from tests.profile import NIGHTLY
from tests.scenarios.harness import DaemonProcess, eventually, free_port
from tests.sink import SinkSmtp

SECRET = "a-secret-of-this-webhook-0123456789"
BUDI = "budi.santoso@staf.dukungan.example"
MESSAGES, KILLS = (200, 20) if NIGHTLY else (60, 2)


@asynccontextmanager
async def desk(folder: Path, *, webhook: bool = False) -> AsyncIterator[tuple[DaemonProcess, FakeTelegram]]:
    """A daemon whose bot is one of the fake, not started yet."""
    async with SinkSmtp() as sink, FakeTelegram() as fake:
        secrets = {"MAILBOT_TELEGRAM_TOKEN": TOKEN} | ({"MAILBOT_TELEGRAM_SECRET": SECRET} if webhook else {})
        daemon = DaemonProcess(folder, sink.port, env=secrets)
        yaml = daemon.config / "mailbot.yaml"
        settings = f"channels:\n  telegram: {{api: '{fake.api}', webhook: {str(webhook).lower()}}}\n"
        if webhook:
            port = free_port()
            settings += f"console: 127.0.0.1:{port}\npublic_url: http://127.0.0.1:{port}\n"
        yaml.write_text(yaml.read_text() + settings)
        try:
            yield daemon, fake
        finally:
            if daemon.process and daemon.process.returncode is None:
                await daemon.stop(signal.SIGKILL)
        assert TOKEN.partition(":")[2] not in daemon.log
        assert SECRET not in daemon.log


async def shown(daemon: DaemonProcess, *words: str) -> str:
    code, out, err = await daemon.command(*words)
    assert code == 0, err
    return out


async def test_a_matter_from_the_first_word_to_the_rating(tmp_path: Path) -> None:
    async with desk(tmp_path) as (daemon, fake):
        daemon.edit("mailbot.yaml", "(?m)^(    reopen_within: .*)$", r"\1\n    undo: no")
        await daemon.start()
        fake.write("/start")
        await eventually(lambda: fake.texts())
        assert fake.texts()[0].startswith("Halo!")

        photo = [fake.file(b"\xff\xd8\xff\xe0" + b"0" * 500)]
        fake.write("Saldo saya terpotong dua kali, pesanan 8812", photo=photo)
        await eventually(lambda: len(fake.texts()) == 2)
        (ticket,) = daemon.rows("SELECT number, customer, channel, status FROM tickets")
        number = ticket["number"]
        assert (ticket["customer"], ticket["channel"]) == ("telegram:62811", "telegram")
        assert number in fake.texts()[1]

        await shown(daemon, "ticket", "answer", number, "--as", BUDI, "--text", "Sudah kami kembalikan, Kak.")
        await eventually(lambda: len(fake.texts()) == 3)
        assert "Sudah kami kembalikan, Kak." in fake.texts()[2]

        fake.write("terima kasih kak")
        await eventually(lambda: daemon.rows("SELECT 1 FROM messages WHERE text LIKE 'terima kasih kak%'"))
        await shown(daemon, "ticket", "close", number, "--as", BUDI)
        await eventually(lambda: len(fake.texts()) == 4)
        fake.write("5")
        await eventually(lambda: daemon.rows("SELECT 1 FROM events WHERE kind = 'satisfaction_rated'"))
        assert len(daemon.rows("SELECT 1 FROM tickets")) == 1
        assert not fake.updates or fake.updates[-1]["message"]["text"] == "5"
        assert (
            json.loads(await shown(daemon, "ticket", "show", number, "--json"))["customer"]
            == "telegram:62811"
        )
        assert await daemon.stop() == 0


@pytest.mark.timeout(900 if NIGHTLY else 300)
@pytest.mark.parametrize("webhook", [False, True], ids=["polling", "webhook"])
async def test_no_message_is_lost_and_no_answer_is_double_however_often_we_are_killed(
    tmp_path: Path, *, webhook: bool
) -> None:
    rng = random.Random(1)
    async with desk(tmp_path, webhook=webhook) as (daemon, fake):
        await daemon.start()
        if webhook:
            assert "Telegram calls http://127.0.0.1" in await shown(daemon, "channels", "setup", "telegram")
        people = [{**SITI, "id": 62_000 + number} for number in range(MESSAGES)]
        writing = asyncio.create_task(_write(fake, people))
        for kill in range(KILLS):
            got = MESSAGES // (KILLS + 2) * kill + rng.randrange(10)
            await eventually(lambda got=got: len(fake.sent) > got, 60)
            await asyncio.sleep(rng.uniform(0.0, 0.1))
            await daemon.stop(signal.SIGKILL)
            await daemon.start()
        await writing
        await eventually(lambda: daemon.rows("SELECT count(*) n FROM tickets")[0]["n"] >= MESSAGES, 60)
        # A message that was at its dot at two kills waits for two hours: let them pass.
        with closing(sqlite3.connect(daemon.database, timeout=20)) as store, store:
            store.execute("UPDATE outbox SET due_at = 0 WHERE state = 'due' AND unknown_in_a_row = 2")
        waiting = "SELECT 1 FROM outbox WHERE domain = 'telegram:' AND state NOT IN ('sent', 'suppressed')"
        await eventually(lambda: not daemon.rows(waiting), 60)
        assert await daemon.stop() == 0

        tickets = Counter(row["customer"] for row in daemon.rows("SELECT customer FROM tickets"))
        assert tickets == dict.fromkeys((f"telegram:{each['id']}" for each in people), 1)
        unknown = daemon.rows("SELECT recipient, unknown FROM outbox WHERE domain = 'telegram:'")
        marked = {row["recipient"]: row["unknown"] for row in unknown}
        got = Counter(f"telegram:{each.chat}" for each in fake.sent)
        assert set(got) == set(marked) == set(tickets)
        assert {who: count - 1 for who, count in got.items() if count - 1 > marked[who]} == {}
        print(
            f"{MESSAGES} messages, {KILLS} kills: {sum(got.values()) - MESSAGES} double, {sum(marked.values())} marked"
        )


async def _write(fake: FakeTelegram, people: list[dict[str, Any]]) -> None:
    for number, person in enumerate(people):
        fake.write(f"Pesanan {number} belum sampai, sudah dua minggu", by=person)
        await asyncio.sleep(0.02)
