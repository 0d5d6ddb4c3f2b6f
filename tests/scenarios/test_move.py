"""A desk moves to PostgreSQL in the middle of its conversations: nobody notices, and nothing is sent twice."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.scenarios.day import AYU, Day, desk
from tests.scenarios.harness import send, settled
from tests.sink import SinkSmtp

SITI, BUDI = "siti@surel.example", "budi@pos.example"
BROKEN = (
    b"From: rusak@pos.example\r\nSubject: =?utf-8?q?rusak=00=FF?= \xff\0\xfe\r\n\r\nisi \0 \x81 rusak\r\n"
)


@pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
async def test_conversations_go_on_after_a_move(tmp_path: Path, store_url: str) -> None:
    async with SinkSmtp() as sink:
        async with desk(tmp_path, sink.port) as daemon:
            day = Day(daemon, sink)
            for customer in (SITI, BUDI):
                await day.customer(customer, "Paket saya", "Halo, paket saya belum sampai. Mohon dibantu.")
                await day.gets(customer, "Kami balas paling lambat")
            await send(daemon.port, BROKEN, "rusak@pos.example")
            siti, budi = day.number_of(SITI), day.number_of(BUDI)
            await day.gets(AYU, siti)
            await day.gets(AYU, budi)
            await settled(daemon)
        # Killed: as after a power cut. The move releases what the daemon had in hand.
        code, out, err = await daemon.command("db", "migrate-to", store_url, "--json")
        assert code == 0, err
        assert json.loads(out)["same"]
        before = Counter((mail.recipients, mail.content) for mail in sink.taken)

        daemon.env["MAILBOT_STORE"] = store_url
        async with daemon:
            tapped = await day.taps(
                next(read for read in day.got(AYU) if budi in read.subject), "Tunggu pelanggan"
            )
            assert "Sudah dijalankan" in tapped
            await day.customer(SITI, "tanpa nomor", "Masih belum sampai juga.", answers=day.got(SITI)[0])
            await day.gets(AYU, siti, "Masih belum sampai", after=2)
            await day.writes(AYU, siti, "Paket Anda sampai besok.")
            await day.gets(SITI, "sampai besok", siti)
            shown = json.loads((await daemon.command("ticket", "list", "--json"))[1])
            assert {siti, budi} < {ticket["number"] for ticket in shown}
            assert len(shown) == 3
        after = Counter((mail.recipients, mail.content) for mail in sink.taken)
        assert max(after.values()) == 1
        assert before <= after
