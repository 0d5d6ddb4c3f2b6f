"""The real daemon with a folder on a real IMAP server: nothing is lost, double, or marked too early."""

import asyncio
import json
import random
import signal
from pathlib import Path

import pytest

from tests.dovecot import MISSING, PASSWORD, PROGRAM, Dovecot
from tests.scenarios.harness import RECIPIENT, DaemonProcess, complaint, eventually
from tests.sink import SinkSmtp

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=MISSING)

FIRST, KILLS, MORE = 120, 6, 10  # mails before, kills, mails after each kill
MAILS = FIRST + KILLS * MORE


def daemon_for(folder: Path, relay_port: int, server: Dovecot, password: str = PASSWORD) -> DaemonProcess:
    daemon = DaemonProcess(folder, relay_port, env={"MAILBOT_IMAP_PASSWORD": password})
    account = {"host": "127.0.0.1", "port": server.port, "tls": "none", "user": "cs", "mailbox": RECIPIENT}
    lines = "".join(f"    {key}: {value}\n" for key, value in account.items())
    daemon.edit("mailbot.yaml", r"\Z", f"\nimap:\n  -{lines[3:]}")
    return daemon


def tickets(daemon: DaemonProcess) -> list[str]:
    return [row["message_id"] for row in daemon.rows("SELECT message_id FROM messages ORDER BY message_id")]


@pytest.mark.timeout(170)
async def test_p1_p2_mail_from_a_folder_is_stored_once_however_often_we_are_killed(tmp_path: Path) -> None:
    rng = random.Random(3)
    with Dovecot() as server:
        async with SinkSmtp() as sink:
            box = server.box("cs")
            await asyncio.to_thread(box.put, *(complaint(n) for n in range(FIRST)))
            async with daemon_for(tmp_path, sink.port, server) as daemon:
                for kill in range(KILLS):
                    await asyncio.sleep(rng.uniform(0.0, 0.15))
                    await daemon.stop(signal.SIGKILL)
                    more = range(FIRST + kill * MORE, FIRST + kill * MORE + MORE)
                    await asyncio.to_thread(box.put, *(complaint(n) for n in more))
                    seen = [uid for uid, flags in box.flags().items() if flags]
                    stored = daemon.rows("SELECT count(*) n FROM inbox")[0]["n"]
                    assert len(seen) <= stored  # nothing is marked that is not stored
                    await daemon.start()
                await eventually(lambda: all(flags == {"\\Seen"} for flags in box.flags().values()), 60)
                await eventually(lambda: not daemon.rows("SELECT 1 FROM inbox WHERE state = 'new'"), 60)

                assert tickets(daemon) == sorted(
                    f"<m{n}.pelanggan{n}@pelanggan.example>" for n in range(MAILS)
                )
                assert daemon.rows("SELECT count(*) n FROM inbox") == [{"n": MAILS}]
                assert await daemon.stop() == 0


async def test_a_folder_in_idle_is_read_at_once_and_does_not_delay_the_stop(tmp_path: Path) -> None:
    with Dovecot() as server:
        async with SinkSmtp() as sink, daemon_for(tmp_path, sink.port, server) as daemon:
            await eventually(lambda: "imap_connected" in daemon.log)
            await asyncio.to_thread(server.box("cs").put, complaint(1))
            await eventually(lambda: sink.taken, 5)
            code, said, _ = await daemon.command("status")
            assert (code, "Mail is flowing" in said) == (0, True)
            assert await daemon.stop() == 0
        stopped = next(
            line for line in map(json.loads, daemon.log.splitlines()) if line["event"] == "stopped"
        )
        assert stopped["seconds"] < 2  # the fetching alone: 0.7 at most
        assert server.log.count("Logged out") == 2  # the one who put the mail there, and we


async def test_status_shows_an_account_that_can_not_be_read(tmp_path: Path) -> None:
    with Dovecot() as server:
        async with SinkSmtp() as sink, daemon_for(tmp_path, sink.port, server, password="salah") as daemon:
            await eventually(lambda: "imap_login_refused" in daemon.log)
            code, said, _ = await daemon.command("status")
            assert code == 1
            assert "NOT WELL: cs on 127.0.0.1, INBOX: LOGIN: [AUTHENTICATIONFAILED]" in said
            assert "salah" not in daemon.log
            assert await daemon.stop() == 0
