"""Stores made by random lives of tickets: each export makes the same store again, on both engines."""

from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from random import Random

import pytest

from mailbot.store.queries import events_since
from mailbot.store.store import Store
from mailbot.store.tickets import load
from tests.builders import BAYU, BOX, NOW, RINA
from tests.operations.exporting.test_round_trip import exported, restored
from tests.profile import NIGHTLY
from tests.workers.test_intake import AGENTS_NETWORK, Desk, tag
from tests.workers.test_undo_lives import WINDOW, deliver

BEGIN = NOW - timedelta(days=1)
CUSTOMERS = ("budi@pelanggan.example", "SITI@Lain.example", "müller@pelanggan.example")
WORDS = ("saldo hilang", "paket rusak", "mohon dibantu 🙏", "\x85nul \\u0000 dan \\", "é" * 3000)
VERBS = (
    *("Sudah kami cek.", "#catatan rahasia", "#tutup sudah selesai", "#buka", "#batal", "#kirim"),
    *("#tunggu pelanggan", "#tag +vip", "#prioritas high", "#kompensasi Rp 50.000 paket rusak", "#ambil"),
    *("#naik L2 nominal besar", "#peserta +atasan@pelanggan.example", "#oper payments perlu bukti"),
)


class Life:
    """A desk where anything may happen next."""

    def __init__(self, store: Store, random: Random) -> None:
        self.random = random
        self.desk = Desk(store, mailboxes={BOX.address: replace(BOX, undo=WINDOW)})
        self.numbers: list[str] = []

    async def step(self) -> None:
        self.desk.clock += timedelta(seconds=self.random.choice([7, 130, 4_000, 90_000]))
        if self.random.random() < 0.3:
            deliver(self.desk)
        deed = self.random.choice([self.write, self.write, self.reply, self.act, self.act, self.act])
        await deed() if self.numbers else await self.write()

    async def write(self) -> None:
        mail = {"sender": self.random.choice(CUSTOMERS[:2]), "Subject": self.random.choice(WORDS[:2])}
        if self.random.random() < 0.4:
            mail |= self.file()
        self.numbers.append((await self.desk.receive(**{"body": self.random.choice(WORDS), **mail})).number)

    def file(self) -> dict[str, str]:
        """Return the headers and the body of a mail with one of three files."""
        message = EmailMessage()
        message.set_content("Terlampir.")
        content = b"%PDF \0" + bytes([self.random.randrange(3)]) * 2000
        message.add_attachment(content, maintype="application", subtype="pdf", filename="bukti é.pdf")
        head, _, body = message.as_string().partition("\n\n")
        headers = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
        return {name.replace("-", "_"): value for name, value in headers.items()} | {"body": body}

    async def reply(self) -> None:
        number = self.random.choice(self.numbers)
        sender = self.random.choice(CUSTOMERS[:2])
        await self.desk.receive(sender=sender, Subject=f"Re: [{number}]", body=self.random.choice(WORDS))

    async def act(self) -> None:
        number, agent = self.random.choice(self.numbers), self.random.choice((RINA, BAYU)).address
        body = self.random.choice(VERBS)
        reply = {"to": tag(number, agent), "peer": AGENTS_NETWORK, "Subject": f"Re: [{number}]"}
        await self.desk.receive(sender=agent, body=body, **reply)


@pytest.mark.timeout(3_600 if NIGHTLY else 120)
@pytest.mark.parametrize("seed", range(200 if NIGHTLY else 3))
async def test_any_life_of_tickets_comes_back_equal(store: Store, tmp_path: Path, seed: int) -> None:
    life = Life(store, Random(seed))
    for _ in range(40):
        await life.step()
    path, url = tmp_path / "life.jsonl", f"sqlite:///{tmp_path}/again.db"
    path.write_bytes(exported(store.url))
    restored(url, path)

    assert exported(url) == path.read_bytes()
    again = Store(url)
    try:
        assert again.read_now(load, life.numbers) == store.read_now(load, life.numbers)
        assert again.read_now(events_since, BEGIN) == store.read_now(events_since, BEGIN)
    finally:
        again.close()
