"""The real daemon with a number at the fake Cloud API: a whole conversation, and kills in the middle of many."""

import asyncio
import json
import os
import random
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.whatsapp import APP_SECRET, NUMBER, TOKEN, VERIFY, FakeWhatsapp, post_to
from tests.profile import NIGHTLY
from tests.scenarios.harness import DaemonProcess, eventually, free_port
from tests.sink import SinkSmtp

BUDI = "budi.santoso@staf.dukungan.example"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"picture" * 100
MESSAGES, KILLS = (200, 20) if NIGHTLY else (200, 4)
SECRETS = {
    "MAILBOT_WHATSAPP_TOKEN": TOKEN,
    "MAILBOT_WHATSAPP_APP_SECRET": APP_SECRET,
    "MAILBOT_WHATSAPP_VERIFY_TOKEN": VERIFY,
}


def with_whatsapp(folder: Path, relay: int, fake: FakeWhatsapp) -> DaemonProcess:
    """Return a daemon whose number is at the fake, which calls its pages."""
    daemon, port = DaemonProcess(folder, relay, env=SECRETS), free_port()
    with (daemon.config / "mailbot.yaml").open("a") as file:
        file.write(
            f"\nconsole: 127.0.0.1:{port}\npublic_url: http://127.0.0.1:{port}\nchannels:\n  whatsapp:\n"
            f"    phone_number_id: '{NUMBER}'\n    api: {fake.url}/v21.0\n"
            "    template: {name: ticket_news, languages: {id: id, en: en_US}}\n"
        )
    fake.post = post_to(f"http://127.0.0.1:{port}/channels/whatsapp")
    return daemon


async def until_taken(fake: FakeWhatsapp, body: bytes) -> None:
    """Deliver a call as WhatsApp does: again and again until it gets a 2xx."""
    while await fake.call(body) != 200:  # noqa: ASYNC110 (asks another process)
        await asyncio.sleep(0.1)


def go_back(daemon: DaemonProcess, fake: FakeWhatsapp, span: timedelta) -> None:
    """Let it be that much longer ago that everybody wrote, for the store as for the fake."""
    for person in fake.wrote_at:
        fake.wrote_at[person] -= span
    with closing(sqlite3.connect(daemon.database, timeout=20)) as store, store:
        store.execute(
            "UPDATE channel_contacts SET wrote_at = wrote_at - ?", (span // timedelta(microseconds=1),)
        )


async def shown(daemon: DaemonProcess, *words: str) -> str:
    code, out, err = await daemon.command(*words)
    assert code == 0, err
    return out


async def test_a_conversation_from_the_first_word_to_an_answer_after_a_day(tmp_path: Path) -> None:
    statuses = ("read", "sent", "delivered")
    async with SinkSmtp() as sink, FakeWhatsapp(statuses=statuses).served() as fake:
        daemon = with_whatsapp(tmp_path, sink.port, fake)
        daemon.edit("mailbot.yaml", "(?m)^(    reopen_within: .*)$", r"\1\n    undo: no")
        async with daemon:
            await until_taken(fake, fake.body(fake.message("Saldo saya terpotong dua kali")))
            setup = json.loads(await shown(daemon, "channels", "setup", "whatsapp", "--json"))
            assert (setup["name"], setup["number"], setup["answers"]) == (
                "TokoDompet",
                "+62 21-5550-1111",
                "right",
            )
            await eventually(fake.texts)
            number = daemon.rows("SELECT number FROM tickets")[0]["number"]
            assert number in fake.texts()[0]

            await fake.write(type="image", image=fake.add_media(JPEG, "image/jpeg", caption="Ini buktinya"))
            await eventually(lambda: daemon.rows("SELECT 1 FROM messages WHERE text = 'Ini buktinya'"))
            assert daemon.rows("SELECT type FROM attachments") == [{"type": "image/jpeg"}]

            answer = ("ticket", "answer", number, "--as", BUDI, "--text")
            await shown(daemon, *answer, "Sudah kami kembalikan, Kak.")
            await eventually(lambda: len(fake.texts()) == 2)
            assert "Sudah kami kembalikan, Kak." in fake.texts()[1]
            reported = "SELECT DISTINCT status FROM channel_messages"
            await eventually(lambda: daemon.rows(reported) == [{"status": "read"}])
            assert "taken, read" in " ".join((await shown(daemon, "ticket", "show", number, "--all")).split())
            mails = json.loads(await shown(daemon, "ticket", "show", number, "--json"))["outbox"]
            arrivals = {each["kind"]: each["arrival"] for each in mails}
            assert arrivals == {"acknowledgement": "read", "answer": "read", "team": None}

            go_back(daemon, fake, timedelta(hours=25))
            await shown(daemon, *answer, "Uangnya sudah masuk?")
            await eventually(lambda: fake.sent[-1]["type"] == "template")
            assert number in json.dumps(fake.sent[-1])
            await fake.write("Sudah, terima kasih")
            await eventually(lambda: len(fake.texts()) == 3)
            assert "Uangnya sudah masuk?" in fake.texts()[2]
            assert await daemon.stop() == 0
    assert not any(secret in daemon.log for secret in SECRETS.values())


@pytest.mark.timeout(400)
async def test_kills_of_the_daemon_and_of_the_pages_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    rng = random.Random(1)
    people = [f"62812{number:07}" for number in range(MESSAGES)]
    async with SinkSmtp() as sink, FakeWhatsapp().served() as fake:
        daemon = await with_whatsapp(tmp_path, sink.port, fake).start()
        try:
            taken: list[str] = []
            writing = asyncio.create_task(write_all(fake, people, taken))
            for number in range(KILLS):
                share = rng.uniform(number, number + 1) * MESSAGES / (KILLS + 1)
                await eventually(lambda share=share: len(taken) > share, 120)
                if number % 2:
                    await eventually(lambda: kill_pages(daemon))
                else:
                    await daemon.stop(signal.SIGKILL)
                    await daemon.start()
            await writing
            await eventually(lambda: daemon.rows("SELECT count(*) n FROM tickets")[0]["n"] >= MESSAGES, 60)
            # A message that was at its dot at two kills waits for two hours: let them pass.
            with closing(sqlite3.connect(daemon.database, timeout=20)) as store, store:
                store.execute("UPDATE outbox SET due_at = 0 WHERE state = 'due' AND unknown_in_a_row = 2")
            waiting = (
                "SELECT 1 FROM outbox WHERE domain = 'whatsapp:' AND state NOT IN ('sent', 'suppressed')"
            )
            await eventually(lambda: not daemon.rows(waiting), 60)
            assert await daemon.stop() == 0
        finally:
            if daemon.process and daemon.process.returncode is None:
                await daemon.stop(signal.SIGKILL)
    tickets = Counter(row["customer"] for row in daemon.rows("SELECT customer FROM tickets"))
    assert tickets == dict.fromkeys((f"whatsapp:+{each}" for each in people), 1)
    marked = {
        row["recipient"]: row["unknown"]
        for row in daemon.rows("SELECT recipient, unknown FROM outbox WHERE domain = 'whatsapp:'")
    }
    got = Counter(f"whatsapp:+{each['to']}" for each in fake.sent)
    assert set(got) == set(marked) == set(tickets)
    assert {who: count - 1 for who, count in got.items() if count - 1 > marked[who]} == {}
    doubled = sum(got.values()) - MESSAGES
    print(f"{MESSAGES} messages, {KILLS} kills: {doubled} double, {sum(marked.values())} marked")


async def write_all(fake: FakeWhatsapp, people: list[str], taken: list[str]) -> None:
    """Let everybody write. Calls come again until they get a 2xx: then they are in `taken`. Each tenth comes twice."""
    some_at_once = asyncio.Semaphore(8)

    async def write(number: int, person: str) -> None:
        async with some_at_once:
            body = fake.body(fake.message(f"Pesanan {number} belum sampai", by=person))
            for _ in range(2 if number % 10 == 0 else 1):
                await until_taken(fake, body)
            taken.append(person)

    await asyncio.gather(*(write(*each) for each in enumerate(people)))


def kill_pages(daemon: DaemonProcess) -> bool:
    """Kill the process of the pages. False where there is none yet."""
    assert daemon.process
    main = daemon.process.pid
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    return bool(children)
