"""A storm on the real daemon, which is killed while it answers the customers at the end."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

from tests.scenarios.harness import RECIPIENT, DaemonProcess, eventually, send
from tests.sink import SinkSmtp

PEOPLE = 70
TEXT = "Top up sudah normal. Saldo Anda sudah masuk."


def mail(person: int) -> bytes:
    return (
        f"From: Orang <orang{person}@warga{person}.example>\r\nTo: {RECIPIENT}\r\n"
        f"Subject: Top up BCA gagal\r\nMessage-ID: <storm{person}@warga.example>\r\n\r\n"
        f"Top up {person}00rb lewat BCA gagal, saldo belum masuk.\r\n"
    ).encode()


async def test_every_customer_of_a_storm_is_answered_once_though_the_daemon_is_killed(tmp_path: Path) -> None:
    async with SinkSmtp() as sink:
        daemon = DaemonProcess(tmp_path, sink.port)
        daemon.edit(
            "mailbot.yaml", "    strangers: new", "    incident: {after: 12 per 10 min}\n    strangers: new"
        )
        async with daemon:
            await asyncio.gather(
                *(
                    send(daemon.port, mail(person), f"orang{person}@warga{person}.example")
                    for person in range(PEOPLE)
                )
            )
            opened = "SELECT ticket FROM incidents"
            await eventually(lambda: daemon.rows(opened))
            joined = "SELECT count(*) AS n FROM tickets WHERE incident IS NOT NULL AND incident <> number"
            await eventually(lambda: daemon.rows(joined)[0]["n"] == PEOPLE)
            number = daemon.rows(opened)[0]["ticket"]
            (owner,) = daemon.rows("SELECT assignee FROM tickets WHERE number = ?", number)
            code, told, _ = await daemon.command(
                "ticket", "resolve", number, "--as", owner["assignee"], "--text", TEXT
            )
            assert (code, told != "") == (0, True)
            ended = "SELECT count(*) AS n FROM outbox WHERE kind = 'closing' AND state <> 'suppressed'"
            await eventually(lambda: daemon.rows(ended)[0]["n"] > 0)
            await daemon.stop(signal.SIGKILL)

            await daemon.start()
            sent = "SELECT count(*) AS n FROM outbox WHERE kind = 'closing' AND state = 'sent'"
            await eventually(lambda: daemon.rows(sent)[0]["n"] == PEOPLE, 40)

        answered = Counter(
            each.recipients[0] for each in sink.taken if b"Saldo Anda sudah masuk" in each.content
        )
        assert set(answered) == {f"orang{person}@warga{person}.example" for person in range(PEOPLE)}
        copies = daemon.rows("SELECT unknown FROM outbox WHERE kind = 'closing' AND unknown > 0")
        assert sum(answered.values()) <= PEOPLE + len(copies)
        agents = [each for each in sink.taken if each.recipients[0].endswith("@staf.dukungan.example")]
        assert len(agents) <= 10
