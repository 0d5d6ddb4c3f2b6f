"""A shop's desk on a Monday morning, for pictures and for checks of every page."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from decimal import Decimal
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any

from mailbot.cli.demo.mails import COMPLAINTS
from mailbot.config.api import load
from mailbot.domain import commands as c
from mailbot.domain.actor import Actor
from mailbot.domain.commands.grammar import Act
from mailbot.domain.commands.registry import Below
from mailbot.domain.policy import Policy
from mailbot.domain.routing.money import Money
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store.store import Store
from tests.console.office import SHIPPED, Office

URL = "https://bantuan.dukungan.example"
AGENT, MANAGER = "nanda.saputra@staf.dukungan.example", "surya.atmaja@staf.dukungan.example"
LATER = timedelta(minutes=12)  # after the mails: some promises end soon, one is over


@cache
def shipped_policy() -> Policy:
    return load(SHIPPED, {}).policy


def _fields(policy: Policy) -> Mapping[str, Any]:
    return {
        each.name: getattr(policy, each.name) for each in fields(policy) if each.init and each.name != "cache"
    }


@dataclass(frozen=True, slots=True)
class Gallery:
    """The office, and the numbers of its tickets by who wrote."""

    office: Office
    numbers: Mapping[str, str]


async def build(store: Store) -> Gallery:
    """Fill a store with the demo's complaints, a conversation, a note, a closed ticket and a request for money."""
    policy = _fields(shipped_policy())
    admins = (MANAGER,)
    office = Office(store, **{**policy, "public_url": URL, "admins": admins})
    numbers = {}
    for complaint in COMPLAINTS:
        sender = f"{complaint.name} <{complaint.address}>"
        mail = {"sender": sender, "return_path": complaint.address, "Subject": complaint.subject}
        mail |= {"to": next(iter(shipped_policy().mailboxes)), "body": complaint.text.replace("\n", "\r\n")}
        mail |= {"Content_Type": "text/plain; charset=utf-8", **_proof(complaint.address)}
        numbers[complaint.name] = (await office.receive(**mail)).number
    _answer(office, numbers["Andrew Collins"], "Hello Andrew,\n\nwe are looking into the second payment.")
    _act(office, numbers["Dian Permata"], AGENT, Act((c.Assign(AGENT),)))
    note = c.AddNote("Sudah telepon pelanggan, identitas cocok. Menunggu blokir dari tim risiko.")
    _act(office, numbers["Dian Permata"], AGENT, Act((note,), below=Below.NOTE))
    await _send_picture(office, numbers["Dian Permata"])
    _answer(office, numbers["Rudi Hartono"], "Selamat siang, kami buka setiap hari.", c.Close())
    asked = numbers["Siti Rahmawati"]
    money = c.Compensate(Money(Decimal(250_000)), "saldo terpotong, pesanan tidak terbayar")
    _act(office, asked, office.ticket(asked).assignee or AGENT, Act((money,)))
    office.intake.clock += LATER
    return Gallery(office, numbers)


def _answer(office: Office, number: str, text: str, *then: c.AnyCommand) -> None:
    owner = office.ticket(number).assignee or AGENT
    _act(office, number, owner, Act(then, text))


def _act(office: Office, number: str, agent: str, act: Act) -> None:
    command = TicketCommand(number, act, Actor.agent(agent), office.intake.clock, money=True)
    run_command(office.store, office.intake.runtime, command)


async def _send_picture(office: Office, number: str) -> None:
    mail = EmailMessage()
    mail.set_content("Ini tangkapan layarnya. Mohon dibantu segera, terima kasih.")
    picture = Path(__file__).parents[2] / "docs" / "pictures" / "acknowledgement.id.png"
    shown = picture if picture.exists() else next(picture.parent.glob("*.png"))
    mail.add_attachment(shown.read_bytes(), "image", "png", filename="bukti transaksi.png")
    body = mail.as_bytes().partition(b"\n\n")[2].decode("ascii", "replace").replace("\n", "\r\n")
    await office.receive(
        sender="Dian Permata <dian.permata@surel.example>",
        return_path="dian.permata@surel.example",
        to=next(iter(shipped_policy().mailboxes)),
        Subject=f"Re: TOLONG! Akun saya dibajak, saldo habis [{number}]",
        MIME_Version="1.0",
        Content_Type=mail["Content-Type"],
        body=body,
        **_proof("dian.permata@surel.example"),
    )


def _proof(address: str) -> dict[str, str]:
    """Return the header of a mail server of ours that has checked the sender."""
    domain = address.partition("@")[2]
    return {"Authentication_Results": f"mx.dukungan.example; dmarc=pass header.from={domain}"}
