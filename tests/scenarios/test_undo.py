"""The undo window with the real daemon: `#batal` by mail in time, or the answer leaves once, also after kill -9."""

import re
import signal
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.scenarios.harness import DaemonProcess, complaint, eventually, send
from tests.sink import SinkSmtp

CUSTOMER = "budi@pelanggan.example"
ANSWER = "Barang dikirim ulang besok."
LONG = 120  # seconds: a start may take some


def desk(folder: Path, relay: int, seconds: int = LONG) -> DaemonProcess:
    daemon = DaemonProcess(folder, relay, {"MAILBOT_LIMITS": ""})  # `off` would take the window away
    daemon.edit("mailbot.yaml", r"size: 25 MiB", "size: 1 MiB\n  free_space: 1 KiB")
    daemon.edit("mailbot.yaml", r"agent_networks: \[\]", "agent_networks: [127.0.0.1]")
    daemon.edit("mailbot.yaml", r"(?m)^(    prefix: TOKO.*)$", rf"\1\n    undo: {seconds} s")
    return daemon


def to(sink: SinkSmtp, address: str) -> list[EmailMessage]:
    taken = [mail.content for mail in sink.taken if address in mail.recipients]
    return [message_from_bytes(content, policy=policy.default) for content in taken]


def answers(sink: SinkSmtp) -> list[EmailMessage]:
    return [mail for mail in to(sink, CUSTOMER) if ANSWER in mail.as_string()]


async def notice_of(sink: SinkSmtp, daemon: DaemonProcess) -> EmailMessage:
    """Let a customer write, and return the notice to the agent."""
    assert (await send(daemon.port, complaint(1, CUSTOMER), CUSTOMER)).startswith("250")

    def notices() -> list[EmailMessage]:
        mails = [message_from_bytes(mail.content, policy=policy.default) for mail in sink.taken]
        return [mail for mail in mails if "+" in str(mail["Reply-To"] or "")]

    found: list[EmailMessage] = await eventually(notices)
    return found[0]


async def reply(daemon: DaemonProcess, notice: EmailMessage, body: str, number: int) -> None:
    agent, recipient = str(notice["To"]), re.sub(r"[<>]", "", str(notice["Reply-To"]))
    raw = (
        f"From: {agent}\r\nTo: {recipient}\r\nSubject: Re: {notice['Subject']}\r\n"
        f"Message-ID: <agent{number}@tim.example>\r\n\r\n{body}\r\n"
    )
    assert (await send(daemon.port, raw.encode(), agent, recipient)).startswith("250")


def states(daemon: DaemonProcess) -> list[str]:
    return [row["state"] for row in daemon.rows("SELECT state FROM outbox WHERE kind = 'answer'")]


@pytest.mark.parametrize("killed", [False, True])
async def test_p16_what_is_taken_back_in_time_never_leaves(tmp_path: Path, *, killed: bool) -> None:
    async with SinkSmtp() as sink, desk(tmp_path, sink.port) as daemon:
        notice = await notice_of(sink, daemon)
        await reply(daemon, notice, ANSWER, 1)
        await eventually(lambda: states(daemon) == ["due"])
        if killed:
            await daemon.stop(signal.SIGKILL)
            await daemon.start()
        await reply(daemon, notice, "#batal", 2)
        await eventually(lambda: states(daemon) == ["suppressed"])

        def receipts() -> list[EmailMessage]:
            mails = to(sink, str(notice["To"]))
            return [
                mail for mail in mails if CUSTOMER in mail.as_string() and "dibatalkan" in mail.as_string()
            ]

        await eventually(receipts)
        (ticket,) = daemon.rows("SELECT status, answered_at FROM tickets")
        assert (ticket["status"], ticket["answered_at"]) == ("new", None)
        assert answers(sink) == []
        assert len(to(sink, CUSTOMER)) == 1  # the acknowledgement


async def test_p3_what_waits_for_an_undo_survives_a_kill_and_leaves_once(tmp_path: Path) -> None:
    async with SinkSmtp() as sink, desk(tmp_path, sink.port, 4) as daemon:
        notice = await notice_of(sink, daemon)
        await reply(daemon, notice, ANSWER, 1)
        await eventually(lambda: states(daemon) == ["due"])
        await daemon.stop(signal.SIGKILL)
        await daemon.start()
        await eventually(lambda: states(daemon) == ["sent"], 30)
        await reply(daemon, notice, "#batal", 2)
        held = "SELECT 1 FROM events WHERE kind = 'agent_mail_held' AND data LIKE '%act_left%'"
        await eventually(lambda: daemon.rows(held))

        assert len(answers(sink)) == 1


async def test_a_drain_does_not_send_what_waits_for_an_undo(tmp_path: Path) -> None:
    async with SinkSmtp() as sink, desk(tmp_path, sink.port) as daemon:
        notice = await notice_of(sink, daemon)
        await reply(daemon, notice, ANSWER, 1)
        await eventually(lambda: states(daemon) == ["due"])
        assert await daemon.stop() == 0

        assert answers(sink) == []
        assert states(daemon) == ["due"]
        (number,) = {row["number"] for row in daemon.rows("SELECT number FROM tickets")}
        code, out, err = await daemon.command("ticket", "undo", number, "--as", str(notice["To"]))
        assert (code, err) == (0, "")
        assert "took back what was done last; not sent" in out
        assert states(daemon) == ["suppressed"]
