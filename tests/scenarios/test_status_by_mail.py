"""A customer asks a real daemon how far we are, as strangers do who guess numbers."""

from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from tests.scenarios.harness import RECIPIENT, DaemonProcess, complaint, eventually, send
from tests.sink import SinkSmtp

CUSTOMER = "pelanggan1@pelanggan.example"
STRANGER = "lain@orang.example"


def asking(sender: str, number: str) -> bytes:
    return (
        f"From: {sender}\r\nTo: {RECIPIENT}\r\nSubject: Re: [{number}]\r\nMessage-ID: <s-{sender}>\r\n\r\n"
        "udah sampe mana ya kak?\r\n"
    ).encode()


async def test_the_customer_gets_the_status_and_a_stranger_the_neutral_acknowledgement(
    tmp_path: Path,
) -> None:
    async with SinkSmtp() as sink, DaemonProcess(tmp_path, sink.port) as daemon:

        async def mail_to(address: str, count: int) -> Any:
            await eventually(lambda: sum(mail.recipients == (address,) for mail in sink.taken) == count)
            taken = [mail for mail in sink.taken if mail.recipients == (address,)]
            return message_from_bytes(taken[-1].content, policy=policy.default)

        assert (await send(daemon.port, complaint(1, sender=CUSTOMER), CUSTOMER)).startswith("250")
        await mail_to(CUSTOMER, 1)
        (ticket,) = daemon.rows("SELECT number FROM tickets")
        notices = len(daemon.rows("SELECT 1 FROM outbox WHERE kind = 'team'"))
        assert (await send(daemon.port, asking(CUSTOMER, ticket["number"]), CUSTOMER)).startswith("250")
        status = await mail_to(CUSTOMER, 2)

        assert ticket["number"] in status["Subject"]
        assert "Kabar berikutnya paling lambat" in status.get_body(("plain",)).get_content()
        assert len(daemon.rows("SELECT 1 FROM tickets")) == 1
        assert len(daemon.rows("SELECT 1 FROM outbox WHERE kind = 'team'")) == notices
        assert daemon.rows("SELECT 1 FROM events WHERE kind = 'status_asked'")

        assert (await send(daemon.port, asking(STRANGER, ticket["number"]), STRANGER)).startswith("250")
        assert "STATUS" in (await mail_to(STRANGER, 1)).get_body(("plain",)).get_content()
        assert [
            row["kind"] for row in daemon.rows("SELECT kind FROM outbox WHERE recipient = ?", STRANGER)
        ] == ["acknowledgement"]
