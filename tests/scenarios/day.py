"""A small desk for one day by mail: a daemon, its people, and how they read and write."""

import asyncio
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.scenarios.harness import RECIPIENT, DaemonProcess, eventually, send
from tests.sink import SinkSmtp

AYU, EKO, PUTU = (f"{name}@staf.example" for name in ("ayu.lestari", "eko.prasetyo", "putu.wirawan"))
STAFF = (AYU, EKO, PUTU)
GATE = "mx.dukungan.example"
UNDO = 5  # seconds that an answer waits

TEAMS = f"""
levels: [L1, management]
teams:
  frontline:
    calendar: always
    agents:
      - {{name: Ayu Lestari, address: {AYU}, level: L1, languages: [id, en]}}
  payments:
    calendar: always
    agents:
      - {{name: Eko Prasetyo, address: {EKO}, level: L1, languages: [id, en]}}
  management:
    calendar: always
    agents:
      - {{name: Putu Wirawan, address: {PUTU}, level: management, languages: [id, en]}}
authority:
  per_ticket: {{L1: Rp100.000, management: Rp50 juta}}
  two_persons_above: Rp50.000
"""
LADDERS = """
calendars:
  always: {hours: always, zone: Asia/Jakarta}
priorities: {low: plain, normal: plain, high: plain, urgent: asking}
ladders:
  plain:
    targets: {first_response: 4 h, next_response: 8 h, resolution: 24 h}
    steps:
      - {at: first_response, escalate_to: management}
      - {at: resolution, escalate_to: management, tell_customer: true}
  asking:
    targets: {first_response: 15 min, next_response: 30 min, resolution: 4 h}
    steps:
      - {at: 0.1% of first_response, ask_decision: management, question: "Bekukan akunnya?", options: [bekukan, tunggu]}
      - {at: first_response, escalate_to: management}
"""
RULES = """
category_labels:
  payment: {id: Pembayaran, en: Payment}
  fraud: {id: Penipuan, en: Fraud}
  delivery: {id: Pengiriman, en: Delivery}
causes:
  gateway-error: {id: Gangguan gerbang, en: Gateway error}
  slow-courier: {id: Kurir lambat, en: Slow courier}
rules:
  - name: stolen
    when: {text: {contains: [dibajak]}}
    then: {category: fraud, urgency: critical, complexity: medium, team: payments}
  - name: paid twice
    when: {text: {contains: [charged twice]}}
    then: {category: payment, urgency: normal, complexity: medium, team: payments}
  - name: parcels
    when: {text: {contains: [kurir, parcel]}}
    then: {category: delivery, urgency: normal, complexity: low, team: frontline}
  - name: everything else
    then: {category: general, urgency: normal, complexity: low, team: frontline}
"""


RECEIPT = re.compile("Sudah dijalankan|Tidak dijalankan|Perintah untuk tiket")


def _has(read: "Read", words: str | re.Pattern[str]) -> bool:
    return words in read if isinstance(words, str) else bool(words.search(read.text))


def desk(folder: Path, relay: int) -> DaemonProcess:
    daemon = DaemonProcess(folder, relay, {"MAILBOT_LIMITS": ""})  # `off` would take the undo window away
    for name, text in (("teams", TEAMS), ("escalation", LADDERS), ("routing", RULES)):
        (daemon.config / f"{name}.yaml").write_text(text)
    daemon.edit("mailbot.yaml", r"size: 25 MiB", "size: 1 MiB\n  free_space: 1 KiB")
    daemon.edit("mailbot.yaml", r"authserv_ids: \[\]", f"authserv_ids: [{GATE}]")
    daemon.edit("mailbot.yaml", r"(?m)^(    prefix: TOKO.*)$", rf"\1\n    undo: {UNDO} s\n    collision: no")
    daemon.edit("mailbot.yaml", r"(?m)^    strangers: new.*$", "    strangers: hold")
    daemon.edit("mailbot.yaml", r"(?m)^answers:\n", "answers:\n  fastest_reply: 0.1 s\n")
    daemon.edit("mailbot.yaml", r"(?m)^  per_address: .*$", "  per_address: 100 per 1 min")
    return daemon


@dataclass(frozen=True)
class Read:
    """A mail as its reader has it."""

    to: str
    mail: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.mail["Subject"])

    @property
    def text(self) -> str:
        body = self.mail.get_body(("plain",))
        assert body is not None
        return str(body.get_content()).replace("\r\n", "\n")

    def __contains__(self, words: str) -> bool:
        return words in self.subject or words in self.text


@dataclass
class Day:
    """All people of one day, and what each of them got."""

    daemon: DaemonProcess
    sink: SinkSmtp
    written: list[tuple[str, str]] = field(default_factory=list)  # agent, text
    _sent: int = 0

    def got(self, address: str) -> list[Read]:
        taken = [mail.content for mail in self.sink.taken if address in mail.recipients]
        return [Read(address, message_from_bytes(content, policy=policy.default)) for content in taken]

    async def gets(self, address: str, *words: str | re.Pattern[str], after: int = 0) -> Read:
        """Return the newest mail with all these words, once there is one beyond the first `after` mails."""

        def find() -> Read | None:
            fits = [read for read in self.got(address)[after:] if all(_has(read, each) for each in words)]
            return fits[-1] if fits else None

        try:
            found: Read = await eventually(find, 20)
        except TimeoutError:
            newest = "\n=====\n".join(
                f"{read.subject}\n{read.text[:1500]}" for read in self.got(address)[-3:]
            )
            raise AssertionError(f"{address} got no mail with {words}; the newest:\n{newest}") from None
        return found

    async def customer(self, address: str, subject: str, text: str, *, answers: Read | None = None) -> None:
        """Let a customer write, from a program whose mail passes authentication."""
        to = RECIPIENT
        extra = ""
        if answers:
            to = next(
                (a for _, a in getaddresses([str(answers.mail["Reply-To"] or answers.mail["From"])])), to
            )
            extra = f"In-Reply-To: {answers.mail['Message-ID']}\r\n"
            subject = subject or f"Re: {answers.subject}"
        await self._send(address, to, subject, text, extra)

    async def agent(self, read: Read, text: str, *, quoted: bool = True, proven: bool = True) -> None:
        """Let the reader of a notice reply to it, with the notice quoted below."""
        lines = [f"> {line}" for line in read.text.splitlines()] if quoted else []
        whole = "\n".join([text, "", "Pada Sabtu, 28 November 2026, TokoDompet menulis:", *lines])
        to = str(read.mail["Reply-To"] or RECIPIENT)
        extra = f"In-Reply-To: {read.mail['Message-ID']}\r\n"
        self.written.append((read.to, text))
        await self._send(read.to, to, f"Re: {read.subject}", whole, extra, proven=proven)

    async def acts(self, agent: str, number: str, text: str, *words: str) -> Read:
        """Let an agent reply to the newest notice about the ticket, and return the receipt with these words."""
        before = len(self.got(agent))
        await self.writes(agent, number, text)
        return await self.gets(agent, number, RECEIPT, *words, after=before)

    async def writes(self, agent: str, number: str, text: str) -> None:
        """Let an agent reply to the newest notice about the ticket."""
        notices = [
            read
            for read in self.got(agent)
            # Our number stands last; a customer may have named another one before it.
            if read.subject.endswith(f"[{number}]") and "+t." in str(read.mail["Reply-To"])
        ]
        assert notices, f"{agent} has no notice about {number}"
        await asyncio.sleep(
            1
        )  # a reply at once is a machine's, and the time that the notice left is recorded a little later
        await self.agent(notices[-1], text)

    async def names(self, agent: str, number: str, text: str) -> Read:
        """Let an agent write a new mail that names the ticket, and return the receipt."""
        before = len(self.got(agent))
        self.written.append((agent, text))
        await self._send(agent, RECIPIENT, f"[{number}]", text)
        return await self.gets(agent, number, RECEIPT, after=before)

    async def taps(self, read: Read, label: str) -> Read:
        """Let the reader tap a button of a notice, and return the receipt."""
        before = len(self.got(read.to))
        html = read.mail.get_body(("html",))
        assert html is not None
        links = {
            text: href
            for href, text in re.findall(r'href="mailto:([^"]*)"[^>]*>([^<]*)<', html.get_content())
        }
        address, _, query = unescape(links[label]).partition("?")
        subject = parse_qs(query).get("subject", [""])[0]
        await self._send(read.to, unquote(address), subject, "")
        return await self.gets(read.to, RECEIPT, after=before)

    async def machine(self, sender: str, subject: str, text: str) -> None:
        """Let a machine write about nothing that we know."""
        extra = "Auto-Submitted: auto-replied\r\n"
        await self._send(sender, RECIPIENT, subject, text, extra)

    async def _send(
        self, sender: str, to: str, subject: str, text: str, extra: str = "", *, proven: bool = True
    ) -> None:
        self._sent += 1
        result = "pass" if proven else "fail"
        domain = sender.rpartition("@")[2]
        raw = (
            f"Authentication-Results: {GATE}; dmarc={result} header.from={domain}\r\n"
            f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <day{self._sent}@{domain}>\r\n"
            f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n{extra}\r\n"
            + text.replace("\n", "\r\n")
            + "\r\n"
        )
        assert (await send(self.daemon.port, raw.encode(), sender, to)).startswith("250")

    def number_of(self, customer: str) -> str:
        """Return the number that the customer was told first."""
        found = re.search(r"TOKO-[0-9]{8}-[0-9]", self.got(customer)[0].text)
        assert found
        return found[0]

    def ticket(self, number: str) -> dict[str, Any]:
        (row,) = self.daemon.rows("SELECT * FROM tickets WHERE number = ?", number)
        return row


def next_minute() -> tuple[str, datetime]:
    """Return a moment as an agent writes it, in Jakarta: the next full minute that is five seconds ahead."""
    at = (datetime.now(UTC) + timedelta(seconds=65)).replace(second=0, microsecond=0)
    local = at + timedelta(hours=7)
    return f"{local:%Y-%m-%d %H.%M}", at
