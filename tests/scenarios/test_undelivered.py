"""A real relay that refuses customers, a server that sends mail back: what the daemon makes of it."""

import json
import re
from pathlib import Path

from tests.scenarios.harness import RECIPIENT, DaemonProcess, complaint, eventually, send
from tests.sink import Dialogue, SinkSmtp

LOST = "pelanggan1@pelanggan.example"


async def refuse_the_lost(dialogue: Dialogue) -> str | None:
    return "550 5.1.1 no such user here" if LOST in dialogue.commands[-1] else None


async def test_a_refused_customer_address_is_reported_to_the_owner_and_not_answered_again(
    tmp_path: Path,
) -> None:
    async with SinkSmtp() as sink:
        sink.on["rcpt"] = refuse_the_lost
        async with DaemonProcess(tmp_path, sink.port) as daemon:
            assert (await send(daemon.port, complaint(1), LOST)).startswith("250")
            await eventually(lambda: daemon.rows("SELECT 1 FROM events WHERE kind = 'delivery_failed'"))
            assert (
                await send(
                    daemon.port, complaint(2, subject="Lagi", sender="pelanggan1@pelanggan.example"), LOST
                )
            ).startswith("250")
            await eventually(lambda: daemon.rows("SELECT 1 FROM outbox WHERE state = 'suppressed'"))
            await eventually(
                lambda: daemon.rows("SELECT 1 FROM outbox WHERE why = 'undeliverable' AND state = 'sent'")
            )
            code, told, _ = await daemon.command("mute", "list", "--json")
            lifted = await daemon.command("mute", "lift", LOST.upper())
            again = await daemon.command("mute", "lift", LOST)

        acks = daemon.rows(
            "SELECT state, code, reply, reason FROM outbox WHERE kind = 'acknowledgement' ORDER BY id"
        )
        notices = [mail for mail in sink.taken if b"5.1.1 no such user here" in mail.content]
        assert (acks[0]["state"], acks[0]["code"]) == ("failed", 550)
        assert json.loads(acks[1]["reason"])["code"] == "suppressed_bounce"
        assert len(notices) == 1
        assert LOST not in notices[0].recipients
        assert (code, LOST in told, lifted[0], again[0]) == (0, True, 0, 1)


async def test_a_bounce_comes_back_to_its_ticket_by_the_address_that_the_mail_left_from(
    tmp_path: Path,
) -> None:
    async with SinkSmtp() as sink, DaemonProcess(tmp_path, sink.port) as daemon:
        assert (await send(daemon.port, complaint(1), LOST)).startswith("250")
        await eventually(lambda: [mail for mail in sink.taken if mail.recipients == (LOST,)])
        (mail,) = [mail for mail in sink.taken if mail.recipients == (LOST,)]
        back_path = re.sub(r"[<>].*", "", mail.sender)
        report = (
            "From: MAILER-DAEMON@mx.pelanggan.example\r\nTo: x\r\nSubject: failure notice\r\n"
            "Message-ID: <bounce1@mx.pelanggan.example>\r\n\r\n"
            "Hi. This is the qmail-send program at mx.pelanggan.example.\r\n"
            "I'm afraid I wasn't able to deliver your message to the following addresses.\r\n\r\n"
            f"<{LOST}>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n\r\n"
            "--- Below this line is a copy of the message.\r\n\r\n"
        )
        raw = report.encode() + mail.content
        assert (await send(daemon.port, raw, "", back_path)).startswith("250")
        await eventually(lambda: daemon.rows("SELECT 1 FROM events WHERE kind = 'delivery_bounced'"))
        await eventually(lambda: daemon.rows("SELECT 1 FROM outbox WHERE why = 'bounced' AND state = 'sent'"))

        tickets = daemon.rows("SELECT number FROM tickets")
        assert len(tickets) == 1
        assert daemon.rows("SELECT state FROM outbox WHERE kind = 'acknowledgement'") == [{"state": "failed"}]
        assert [row["address"] for row in daemon.rows("SELECT address FROM suppressions")] == [LOST]
        assert RECIPIENT not in [to for each in sink.taken for to in each.recipients]
        code, shown, _ = await daemon.command("ticket", "show", tickets[0]["number"])
        assert code == 0
        assert f"mail to {LOST} bounced permanently: 5.1.1" in shown
