"""Test what is hidden of a reply when it comes in, by the mails that the store holds."""

import pytest
from sqlalchemy import select

from mailbot.domain.model import Ticket
from mailbot.store.schema import messages
from tests.builders import BOX
from tests.workers.test_intake import BUDI, Desk, desk

__all__ = ["desk"]

HEAD = (
    f"Dari: TokoDompet <{BOX.address}>\r\nDikirim: Senin, 23 November 2026 10.15\r\n"
    f"Kepada: Budi <{BUDI}>\r\nSubjek: Re: Barang\r\n\r\n"
)
SELLER = HEAD.replace("TokoDompet", "Sinar").replace(BOX.address, "sinar@penjual.example")


def acknowledged(desk: Desk) -> list[str]:
    """Return the lines of our acknowledgement."""
    text = desk.content(desk.outbox_rows("acknowledgement")[0]).get_body(("plain",)).get_content()
    return [line for line in text.splitlines() if line.strip()]


async def replied(desk: Desk, ticket: Ticket, body: str) -> tuple[str, bool]:
    """Hand in a reply. Return its visible text, and whether the team was notified of it."""
    before = len(desk.outbox_rows("team"))
    await desk.receive(Subject=f"Re: [{ticket.number}] Barang", body=body)
    row = desk.all(select(messages).order_by(messages.c.id))[-1]
    return row.visible, len(desk.outbox_rows("team")) > before


async def test_text_below_our_mail_with_its_tail_cut_is_no_thanks(desk: Desk) -> None:
    ticket = await desk.receive()
    quote = "\r\n".join(acknowledged(desk)[:4])
    new = "Transaksinya 2 Oktober, Rp 350.000. Tolong direfund."
    visible, notified = await replied(desk, ticket, f"Terima kasih kak.\r\n\r\n{HEAD}{quote}\r\n{new}")
    assert visible == f"Terima kasih kak.\n\n{new}"
    assert notified


async def test_thanks_above_our_whole_mail_are_only_thanks(desk: Desk) -> None:
    ticket = await desk.receive()
    quote = "\r\n".join(acknowledged(desk))
    assert await replied(desk, ticket, f"Terima kasih kak.\r\n\r\n{HEAD}{quote}") == (
        "Terima kasih kak.",
        False,
    )


@pytest.mark.parametrize("head", [HEAD, SELLER])
async def test_thanks_above_what_we_never_sent_notify_the_team(desk: Desk, head: str) -> None:
    ticket = await desk.receive()
    quote = "Barang yang Anda pesan sudah kosong di gudang kami."
    visible, notified = await replied(desk, ticket, f"Terima kasih kak.\r\n\r\n{head}{quote}")
    assert notified
    assert (quote in visible) == (head == SELLER)


async def test_a_new_mail_keeps_what_it_quotes_of_others(desk: Desk) -> None:
    body = f"Penjual menjawab begini.\r\n\r\n{SELLER}Barang kosong.\r\n\r\nJadi bagaimana uang saya?"
    await desk.receive(Subject="Re: pesanan", body=body)
    row = desk.all(select(messages))[-1]
    assert row.visible == row.text
    assert "Barang kosong" in row.visible
