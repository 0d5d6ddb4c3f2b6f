"""The daemon from outside: faults, reloads, ends."""

import asyncio
import json
import re
import signal
import smtplib
import sqlite3
import subprocess
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from mailbot.config.api import init
from tests.scenarios.harness import RECIPIENT, DaemonProcess, complaint, eventually, free_port, send
from tests.sink import SinkSmtp, SunkMail

SECONDS = """
calendars:
  always: {hours: always}
priorities: {low: swift, normal: swift, high: swift, urgent: swift}
ladders:
  swift:
    targets: {first_response: 2 s, next_response: 20 s, resolution: 60 s}
    steps:
      - at: 50% of first_response
        remind: assignee
      - at: first_response
        escalate_to: L2
        tell_customer: true
"""


def number_in(mail: SunkMail) -> str:
    (number,) = re.findall(rb"\[(TOKO-[0-9]{8}-[0-9])\]", mail.content)[:1]
    return number.decode()


def to_customer(sink: SinkSmtp, number: int) -> list[SunkMail]:
    return [mail for mail in sink.taken if mail.recipients == (f"pelanggan{number}@pelanggan.example",)]


def swift(daemon: DaemonProcess) -> None:
    (daemon.config / "escalation.yaml").write_text(SECONDS)
    daemon.edit("teams.yaml", r"calendar: \w+", "calendar: always")
    daemon.edit("mailbot.yaml", r"agent_networks: \[\]", "agent_networks: [127.0.0.1]")


async def test_the_whole_loop_with_a_real_client(tmp_path: Path) -> None:
    async with SinkSmtp() as sink:
        daemon = DaemonProcess(tmp_path, sink.port)
        swift(daemon)
        async with daemon:
            mail = EmailMessage()
            mail["From"], mail["To"], mail["Subject"] = "siti@pelanggan.example", RECIPIENT, "Saldo terpotong"
            mail["Message-ID"] = "<siti1@pelanggan.example>"
            mail.set_content("Saldo saya terpotong dua kali, mohon dikembalikan.")

            def hand_in(message: EmailMessage, recipient: str = RECIPIENT) -> None:
                with smtplib.SMTP("127.0.0.1", daemon.port) as client:
                    client.send_message(message, to_addrs=[recipient])

            await asyncio.to_thread(hand_in, mail)
            await sink.wait_for(2)
            (acknowledgement,) = [m for m in sink.taken if m.recipients == ("siti@pelanggan.example",)]
            (notice,) = [m for m in sink.taken if m.recipients != ("siti@pelanggan.example",)]
            number = number_in(acknowledgement)

            answer = EmailMessage()
            answer["From"], answer["Subject"] = notice.recipients[0], f"Re: [{number}] Saldo terpotong"
            answer["To"] = re.findall(rb"(?mi)^Reply-To: *(\S+)", notice.content)[0].decode().strip("<>")
            answer.set_content("Dana sudah kami kembalikan.")
            await asyncio.to_thread(hand_in, answer, answer["To"])
            got = await eventually(
                lambda: [m for m in sink.taken if b"Dana sudah kami kembalikan" in m.content]
            )
            assert got[0].recipients == ("siti@pelanggan.example",)
            assert number_in(got[0]) == number
            assert daemon.rows("SELECT status FROM tickets") == [{"status": "open"}]

            other = complaint(7)
            assert (await send(daemon.port, other, "pelanggan7@pelanggan.example")).startswith("250")
            await eventually(lambda: daemon.rows("SELECT 1 FROM events WHERE kind = 'ticket_escalated'"))
            kinds = await eventually(
                lambda: {m.recipients for m in sink.taken if b"pelanggan7" in m.content} and sink.taken
            )
            assert kinds
            told = await eventually(lambda: to_customer(sink, 7)[1:])
            assert number_in(told[0]) == number_in(to_customer(sink, 7)[0])


async def test_p3_the_relay_goes_down_and_comes_back_and_nothing_is_lost_or_double(tmp_path: Path) -> None:
    sink = await SinkSmtp().start()
    async with DaemonProcess(tmp_path, sink.port) as daemon:
        await sink.stop()
        for number in range(20):
            assert (
                await send(daemon.port, complaint(number), f"pelanggan{number}@pelanggan.example")
            ).startswith("250")
        await eventually(lambda: '"event": "relay_down"' in daemon.log)
        assert daemon.rows("SELECT count(*) n FROM outbox WHERE state = 'failed'") == [{"n": 0}]
        await sink.start()
        await eventually(
            lambda: not daemon.rows("SELECT 1 FROM outbox WHERE state NOT IN ('sent', 'suppressed')"), 40
        )
        assert [len(to_customer(sink, n)) for n in range(20)] == [1] * 20
        assert '"event": "relay_up"' in daemon.log
    await sink.stop()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a folder on a disk of 12 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


async def test_p4_a_full_disk_is_answered_452_and_mail_flows_again_when_there_is_room(
    small_disk: Path, tmp_path: Path
) -> None:
    async with SinkSmtp() as sink:
        daemon = DaemonProcess(
            tmp_path, sink.port, env={"MAILBOT_STORE": f"sqlite:///{small_disk}/mailbot.db"}
        )
        daemon.edit("mailbot.yaml", r"(?m)^limits:", "limits:\n  free_space: 1 KiB")
        ballast = small_disk / "ballast"
        async with daemon:
            assert (await send(daemon.port, complaint(1), "pelanggan1@pelanggan.example")).startswith("250")
            await sink.wait_for(2)
            with pytest.raises(OSError, match="No space"):
                ballast.write_bytes(b"x" * 14_000_000)
            big = complaint(2) + b"y" * 600_000
            reply = await send(daemon.port, big, "pelanggan2@pelanggan.example")
            assert reply.startswith("452 4.3.1"), reply
            assert "sqlite" not in reply.lower()

            ballast.unlink()
            assert (await send(daemon.port, big, "pelanggan2@pelanggan.example")).startswith("250")
            await eventually(lambda: to_customer(sink, 2))


async def test_p4_a_locked_store_makes_clients_wait_and_loses_nothing(
    tmp_path: Path,
) -> None:
    async with SinkSmtp() as sink, DaemonProcess(tmp_path, sink.port) as daemon:
        blocker = sqlite3.connect(daemon.database, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        sending = asyncio.create_task(send(daemon.port, complaint(1), "pelanggan1@pelanggan.example"))
        done, _ = await asyncio.wait([sending], timeout=1)
        assert not done
        blocker.execute("COMMIT")
        blocker.close()

        assert (await sending).startswith("250")
        await eventually(lambda: to_customer(sink, 1))


@pytest.mark.parametrize(
    ("file", "pattern", "replacement", "told"),
    [
        ("routing.yaml", r"team: payments", "team: paymnts", "payments"),
        ("teams.yaml", r"(?m)^levels:.*", "levels: [L1, L1]", "teams.yaml"),
        ("mailbot.yaml", r"(?m)^store:", "stor:", "store"),
        ("escalation.yaml", r"zone: Asia/Jakarta", "zone: Asia/Jakata", "Asia/Jakarta"),
    ],
)
async def test_p6_a_broken_configuration_never_starts_a_daemon(
    tmp_path: Path, file: str, pattern: str, replacement: str, told: str
) -> None:
    daemon = DaemonProcess(tmp_path, free_port())
    daemon.edit(file, pattern, replacement)
    code, out, err = await daemon.command("run")

    assert code == 78
    assert out == ""
    assert re.search(rf"{file}:\d+:\d+: ", err)
    assert told in err
    assert "Traceback" not in err


async def test_p6_a_broken_reload_keeps_the_old_policy_and_a_good_one_takes_it_all(tmp_path: Path) -> None:
    async with SinkSmtp() as sink, DaemonProcess(tmp_path, sink.port) as daemon:
        routing = daemon.config / "routing.yaml"
        good = routing.read_text()
        routing.write_text(good.replace("team: payments", "team: nowhere"))
        assert daemon.process
        daemon.process.send_signal(signal.SIGHUP)
        await eventually(lambda: '"event": "policy_refused"' in daemon.log)
        assert (await send(daemon.port, complaint(1), "pelanggan1@pelanggan.example")).startswith("250")
        await eventually(lambda: to_customer(sink, 1))

        routing.write_text(re.sub(r"team: \w+", "team: accounts", good))
        daemon.process.send_signal(signal.SIGHUP)
        await eventually(lambda: '"event": "policy_reloaded"' in daemon.log)
        await send(daemon.port, complaint(2), "pelanggan2@pelanggan.example")
        await eventually(lambda: to_customer(sink, 2))
        assert [row["team"] for row in daemon.rows("SELECT team FROM tickets ORDER BY opened_at")][1:] == [
            "accounts"
        ]
        assert len(daemon.rows("SELECT DISTINCT policy FROM events")) == 2


async def test_p9_sigterm_under_load_drains_and_cuts_nothing(tmp_path: Path) -> None:
    async with SinkSmtp() as sink:
        daemon = DaemonProcess(tmp_path, sink.port)
        await daemon.start()
        accepted: list[int] = []

        async def sender(first: int) -> None:
            for number in range(first, first + 200):
                try:
                    reply = await send(daemon.port, complaint(number), f"pelanggan{number}@pelanggan.example")
                except OSError:
                    return  # not accepted: the client's to send again
                if not reply.startswith("250"):
                    assert reply.startswith("421"), reply
                    return
                accepted.append(number)

        senders = [asyncio.create_task(sender(1000 * n)) for n in range(8)]
        await eventually(lambda: len(accepted) >= 100)
        assert await daemon.stop() == 0
        await asyncio.gather(*senders)
        assert accepted
        assert daemon.rows("SELECT count(*) n FROM inbox")[0]["n"] == len(accepted)
        assert daemon.rows("SELECT 1 FROM outbox WHERE state IN ('sending', 'dot') OR unknown > 0") == []
        assert daemon.rows("SELECT 1 FROM nodes") == []

        async with daemon:
            await eventually(
                lambda: (
                    daemon.rows(
                        "SELECT count(*) n FROM outbox WHERE kind = 'acknowledgement' AND state = 'sent'"
                    )[0]["n"]
                    == len(accepted)
                ),
                60,
            )
        assert all(len(to_customer(sink, number)) == 1 for number in accepted)


async def test_p11_a_second_daemon_on_the_same_file_is_refused(tmp_path: Path) -> None:
    async with SinkSmtp() as sink, DaemonProcess(tmp_path, sink.port) as daemon:
        code, _, err = await daemon.command("run")

        assert code != 0
        assert "is in use by process" in err
        assert "Traceback" not in err


async def test_log_lines_are_json_and_carry_no_customer_text(tmp_path: Path) -> None:
    async with SinkSmtp() as sink:
        async with DaemonProcess(tmp_path, sink.port) as daemon:
            await send(daemon.port, complaint(1, subject="Rahasia besar"), "pelanggan1@pelanggan.example")
            await sink.wait_for(2)
            await daemon.stop()
        lines = [json.loads(line) for line in daemon.log.splitlines()]

        assert {"mail_accepted", "ticket_opened", "delivery_sent", "stopped"} <= {
            line["event"] for line in lines
        }
        assert "Rahasia" not in daemon.log
        assert "pelanggan1" not in daemon.log


async def test_a_clinic_from_init_answers_its_first_mail_in_its_own_words(tmp_path: Path) -> None:
    init(tmp_path / "config", "clinic", {"address": "info@sehat.example", "brand": "Klinik Sehat"})
    async with SinkSmtp() as sink:
        daemon = DaemonProcess(tmp_path, sink.port)
        daemon.edit("mailbot.yaml", r"(?m)^monitor:.*\n", "")  # its port may be taken
        async with daemon:
            mail = complaint(1, subject="Ayah saya sesak napas")
            reply = await send(daemon.port, mail, "pelanggan1@pelanggan.example", "info@sehat.example")
            assert reply.startswith("250")
            await sink.wait_for(2)
    (acknowledgement,) = to_customer(sink, 1)
    body = message_from_bytes(acknowledgement.content, policy=default).get_body(("plain",))
    assert body
    text = " ".join(body.get_content().split())
    assert re.search(
        r"^Yth\. Bapak/Ibu,.*hubungi 119.* KLINIK-\d{8}-\d .*Salam sehat, Klinik Sehat info@", text
    )
    assert {m.recipients for m in sink.taken} - {acknowledgement.recipients} == {
        ("indra@staf.klinik.example",)
    }
