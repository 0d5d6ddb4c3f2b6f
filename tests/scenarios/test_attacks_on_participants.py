"""Nobody comes into a conversation, or learns of it, by what a mail says: the running daemon is attacked.

| attack | what it tries |
| --- | --- |
| Cc by a forged or unproven From | to be added as a participant, and to get answers |
| Cc of hundreds, of our own mailboxes and of agents | to make answers a mass mailing, or a loop |
| another's number or Message-ID in header, text, quote | to come onto the ticket |
| Reply-To, From like the customer's, +tag | to redirect answers |
| a participant who was removed | to come back by own or by others' mails |
"""

import re
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.harness import RECIPIENT, DaemonProcess, eventually, send, settled
from tests.sink import SinkSmtp, SunkMail

pytestmark = pytest.mark.asyncio

SITI, BOSS, LEAVER = "siti@pelanggan.example", "bos@kantor.example", "keluar@kantor.example"
EVIL = "penjahat@evil.example"
SECRET = "Rekening baru Siti 12345"
OURS = "Authentication-Results: mx.dukungan.example; dmarc={} header.from={}\n"


class Attacked:
    """A daemon that trusts a host about senders, and takes agents' mail from loopback."""

    def __init__(self, daemon: DaemonProcess, sink: SinkSmtp) -> None:
        self.daemon, self.sink, self.count = daemon, sink, 0

    async def mail(self, sender: str, lines: str = "", *, result: str = "", **more: str) -> str:
        """Send a mail and return the number of the ticket that it came onto."""
        self.count += 1
        proof = OURS.format(result, sender.rpartition("@")[2]) if result else ""
        subject, body = more.get("subject", "Halo"), more.get("body", "Halo, mohon dicek.")
        message_id = f"<{self.count}@serangan.example>"
        raw = f"{proof}From: {sender}\nSubject: {subject}\nMessage-ID: {message_id}\n{lines}\n{body}\n"
        to = more.get("to", RECIPIENT)
        assert (await send(self.daemon.port, raw.replace("\n", "\r\n").encode(), sender, to)).startswith(
            "250"
        )
        query = "SELECT ticket FROM messages WHERE message_id = ?"
        (row,) = await eventually(lambda: self.daemon.rows(query, message_id))
        return str(row["ticket"])

    def notices(self) -> list[SunkMail]:
        return [mail for mail in self.sink.taken if mail.recipients[0].endswith("@staf.dukungan.example")]


def read(mail: SunkMail) -> Any:
    return message_from_bytes(mail.content, policy=policy.default)


async def test_nobody_joins_a_conversation_by_forging_naming_or_copying(tmp_path: Path) -> None:
    async with SinkSmtp() as sink:
        daemon = DaemonProcess(tmp_path, sink.port)
        daemon.edit("mailbot.yaml", r"authserv_ids: \[\]", "authserv_ids: [mx.dukungan.example]")
        daemon.edit("mailbot.yaml", r"agent_networks: \[\]", "agent_networks: [127.0.0.1]")
        async with daemon:
            host = Attacked(daemon, sink)
            number = await host.mail(SITI, f"Cc: {BOSS}, {LEAVER}\n", result="pass")
            await settled(daemon)
            notice = read(host.notices()[0])
            ours = read(next(mail for mail in sink.taken if mail.recipients == (SITI,)))["Message-ID"]
            code, _, errors = await daemon.command("ticket", "participant", "remove", number, LEAVER)
            assert code == 0, errors

            named = f"References: {ours}\nIn-Reply-To: {ours}\n"
            crowd = ", ".join(f"korban{n}@evil.example" for n in range(500))
            stays = [
                # Forged, or nothing shows that it is she.
                await host.mail(SITI, f"{named}Cc: {EVIL}\n", result="fail"),
                # Strangers, proven as what they are.
                await host.mail(
                    EVIL, f"{named}Cc: {EVIL}, {SITI}\n", result="pass", subject=f"Re: [{number}]"
                ),
                await host.mail(EVIL, f"Cc: {crowd}\n", result="pass", body=f"Nomor tiket saya {number}."),
                await host.mail(
                    EVIL, f"{named}Reply-To: {SITI}\nSender: {SITI}\nTo: {SITI}\n", result="pass", body=number
                ),
                await host.mail(f"{SITI}.evil.example", named, result="pass", subject=number),
                await host.mail("siti%pelanggan.example@evil.example", named, result="pass", subject=number),
                await host.mail(
                    EVIL, named.replace(ours, "<1@serangan.example>"), body=f"> From: {RECIPIENT}\n> {number}"
                ),
                # Once removed, always a stranger.
                await host.mail(LEAVER, named, result="pass", subject=f"Re: [{number}]", body=number),
                await host.mail(
                    "keluar+lagi@kantor.example", named, result="pass", subject=f"Re: [{number}]"
                ),
            ]
            assert number not in stays
            # Onto the ticket, as any desk takes them: but nobody joins, and answers go where they went.
            loops = f"{RECIPIENT}, support+x@dukungan.example, ayu.lestari@staf.dukungan.example"
            for lines, sender, result in (
                (f"{named}Cc: {EVIL}, {crowd}\n", SITI, ""),
                (f"{named}Cc: {loops}, noreply@evil.example\n", SITI, "pass"),
                (f"{named}Cc: {LEAVER}, {LEAVER.replace('@', '+x@')}\n", SITI, "pass"),
                (f"{named}Reply-To: {EVIL}\n", SITI, ""),
                (f"{named}Cc: {EVIL}\n", "siti+belanja@pelanggan.example", ""),
            ):
                assert await host.mail(sender, lines, result=result) == number

            await host.mail(
                str(notice["To"]), subject=f"Re: {notice['Subject']}", body=SECRET, to=str(notice["Reply-To"])
            )
            await settled(daemon)
            sent = [mail for mail in sink.taken if SECRET.encode() in mail.content]
            assert sorted(mail.recipients for mail in sent) == [(BOSS,), (SITI,)]
            assert {(str(read(mail)["To"]), str(read(mail)["Cc"])) for mail in sent} == {(SITI, BOSS)}

            rows = daemon.rows("SELECT address, role FROM participants WHERE ticket = ?", number)
            taking_part = {row["address"] for row in rows if row["role"] in ("customer", "participant")}
            assert taking_part == {SITI, BOSS}
            assert len(rows) <= 110
            for mail in sink.taken:
                if re.search(r"@evil\.example|keluar", mail.recipients[0]):
                    assert number.encode() not in mail.content
