"""Tickets of an earlier version that wait for their customer: listed, and made ours on request."""

from sqlalchemy import update

from mailbot.domain.model import Status, Turn
from mailbot.store.schema import tickets
from tests.builders import BOX
from tests.cli.test_merge import Shell
from tests.cli.test_merge import shell as shell
from tests.workers.test_intake import AGENTS_NETWORK, KEYS

AYU = "ayu.lestari@dukungan.example"


async def answered(shell: Shell, text: str) -> str:
    """Return a ticket that was answered, as a store of an earlier version has it."""
    ticket = await shell.desk.receive()
    box = next(iter(shell.desk.runtime.policy.mailboxes), BOX.address)
    tag = KEYS.reply_address(box, ticket.number, ticket.assignee or AYU)
    agent = ticket.assignee or AYU
    await shell.desk.receive(sender=agent, to=tag, peer=AGENTS_NETWORK, body=text, Subject="Re: Barang")
    with shell.store.engine.begin() as connection:
        of_old = {"status": Status.WAITING, "turn": Turn.CUSTOMER, "turn_why": ""}
        connection.execute(update(tickets).where(tickets.c.number == ticket.number).values(of_old))
    return ticket.number


async def test_what_would_be_ours_is_listed_and_changes_only_when_asked(shell: Shell) -> None:
    checking = await answered(shell, "Kami sedang memeriksa pesanan Anda.")
    asking = await answered(shell, "Nomor pesanannya berapa?")

    (listed,) = shell.shown("ticket", "turns")
    assert (listed["number"], listed["turn"], listed["words"][:12]) == (checking, "ours", "Kami sedang ")
    assert listed["promised_at"]
    assert "1 open ticket would change" in shell.run("ticket", "turns")
    assert shell.shown("ticket", "show", checking)["turn"] == "customer"

    assert "1 of 1 open ticket changed" in shell.run("ticket", "turns", "--apply")
    assert shell.shown("ticket", "turns") == []
    shown = shell.shown("ticket", "show", checking)
    assert (shown["turn"], shown["status"], shown["promised_at"]) == ("ours", "open", listed["promised_at"])
    assert shell.shown("ticket", "show", asking)["turn"] == "customer"
