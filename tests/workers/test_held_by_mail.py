"""A mail that is held because a stranger names a ticket: accepted or rejected by the notice itself."""

from dataclasses import replace

import pytest

from mailbot.domain.model import Status
from mailbot.store.store import Store
from mailbot.store.tickets import load
from tests.builders import BOX, RINA
from tests.workers.test_command_mails import command, text_of
from tests.workers.test_intake import BUDI, Desk
from tests.workers.test_one_tap import links, tap

ANI = "ani@lain.example"


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store, mailboxes={BOX.address: replace(BOX, strangers="hold")})


async def held(desk: Desk) -> tuple[str, str]:
    """Return the number of a customer's ticket, and that of a stranger's mail that names it."""
    first = await desk.receive()
    other = await desk.receive(
        sender=ANI, Subject=f"Re: [{first.number}] Barang", body="Saya suaminya: mohon dipercepat."
    )
    assert other.held_for == first.number
    return first.number, other.number


@pytest.mark.parametrize("way", ["verb", "tap"])
async def test_an_accepted_mail_goes_to_the_ticket_that_it_names(desk: Desk, way: str) -> None:
    first, other = await held(desk)
    notice = next(
        row for row in desk.outbox_rows("team") if row.ticket == other and row.recipient == RINA.address
    )
    if way == "tap":
        await tap(desk, links(desk, notice)["Terima"])
    else:
        await command(desk, other, "#terima")

    ticket = desk.store.read_now(load, [other])[other]
    assert (ticket.status, ticket.merged_into) == (Status.MERGED, first)
    assert "diterima" in text_of(desk, desk.outbox_rows("receipt")[0])
    again = await desk.receive(
        sender=ANI, Subject=f"Re: [{first}] Barang", body="Terima kasih, masih saya tunggu."
    )
    assert again.number == first  # she takes part now


async def test_a_rejected_mail_is_a_matter_of_its_own(desk: Desk) -> None:
    first, other = await held(desk)
    await command(desk, other, "#tolak")

    ticket = desk.ticket_of(2)
    assert (ticket.held_for, ticket.merged_into) == (None, None)
    assert "ditolak" in text_of(desk, desk.outbox_rows("receipt")[0])
    again = await desk.receive(sender=ANI, Subject=f"Re: [{first}] Barang", body="Halo?")
    assert again.number != first


async def test_what_claims_nothing_is_not_accepted(desk: Desk) -> None:
    number = (await desk.receive()).number
    await command(desk, number, "#terima")

    assert desk.ticket_of(1).customer == BUDI
    assert "Tidak dijalankan" in text_of(desk, desk.outbox_rows("receipt")[0])
