"""A person's mail reaches a person: short conversations through intake, with the real store and templates."""

from typing import Any

import pytest
from sqlalchemy import select

from mailbot.domain.model import Status, Ticket
from mailbot.store.schema import messages
from mailbot.store.store import Store
from tests.builders import BOX
from tests.workers.test_intake import AGENTS_NETWORK, Desk

DEWI = "dewi@kantor.example"
QUESTION = "Mohon kirim tanggal dan jumlah transaksinya supaya bisa kami periksa lebih lanjut."


async def answered(store: Store) -> tuple[Desk, Ticket]:
    """Return a desk with Dewi's ticket, which an agent answered with a question."""
    desk = Desk(store)
    await desk.receive(sender=DEWI, Subject="Saldo terpotong dua kali")
    (notice,) = desk.outbox_rows("team")
    mail = desk.content(notice)
    await desk.receive(
        sender=notice.recipient,
        to=mail["Reply-To"],
        peer=AGENTS_NETWORK,
        Subject=f"Re: {mail['Subject']}",
        body=QUESTION,
    )
    assert desk.outbox_rows("answer")
    return desk, desk.ticket_of(1)


def newest_notice(desk: Desk) -> str:
    mail = desk.content(desk.outbox_rows("team")[-1])
    return str(mail.get_body(("plain",)).get_content())


async def reply(desk: Desk, ticket: Ticket, body: str, **headers: str) -> Ticket:
    answer = desk.outbox_rows("answer")[-1]
    subject = f"Re: Saldo terpotong dua kali [{ticket.number}]"
    headers = {"Subject": subject, "In_Reply_To": answer.message_id, "sender": DEWI, **headers}
    return await desk.receive(body=body, **headers)


async def test_text_below_a_cut_quote_of_ours_is_seen_and_is_more_than_thanks(store: Store) -> None:
    desk, ticket = await answered(store)
    before = len(desk.outbox_rows("team"))
    body = (
        f"Terima kasih kak.\r\n\r\nDari: TokoDompet <{BOX.address}>\r\nDikirim: Sabtu, 28 November 2026 10.00\r\n"
        f"Kepada: Dewi <{DEWI}>\r\nSubjek: Re: Saldo terpotong dua kali [{ticket.number}]\r\n\r\n"
        f"{QUESTION[:40]}\r\n\r\nTransaksinya 2 Oktober, Rp 350.000. Tolong direfund.\r\n"
    )
    ticket = await reply(desk, ticket, body)

    assert ticket.status is Status.OPEN
    assert len(desk.outbox_rows("team")) == before + 1
    assert "Transaksinya 2 Oktober, Rp 350.000. Tolong direfund." in newest_notice(desk)


async def test_a_mail_of_another_person_below_its_head_is_the_customers_text(store: Store) -> None:
    desk, ticket = await answered(store)
    body = (
        "Penjual membalas begini:\r\n\r\nDari: Toko Sinar <sinar@penjual.example>\r\n"
        f"Dikirim: Jumat, 27 November 2026 09.00\r\nKepada: Dewi <{DEWI}>\r\nSubjek: pesanan\r\n\r\n"
        "Barang kosong.\r\n\r\nJadi bagaimana uang saya?\r\n"
    )
    await reply(desk, ticket, body)

    shown = newest_notice(desk)
    assert all(
        words in shown for words in ("sinar@penjual.example", "Barang kosong.", "bagaimana uang saya?")
    )


async def test_text_below_a_large_embedded_picture_is_read(store: Store) -> None:
    desk, ticket = await answered(store)
    picture = "A" * 1_000_000
    body = f'<p><img src="data:image/png;base64,{picture}"></p><p>saldo hilang</p>'
    await reply(desk, ticket, body, Content_Type="text/html; charset=utf-8")

    assert "saldo hilang" in newest_notice(desk)


@pytest.mark.parametrize(
    ("sender", "headers"),
    [
        ("post_master@b.example", {"Subject": "Message could not be delivered"}),
        ("MAILER-DAEMON@mx.example", {"Subject": "Undelivered Mail Returned to Sender", "return_path": ""}),
    ],
)
async def test_a_bounce_of_no_mail_of_ours_is_filed_without_clocks_and_notice(
    store: Store, sender: str, headers: dict[str, str]
) -> None:
    desk = Desk(store)
    body = "Your message to nobody@c.example could not be delivered.\r\n550 5.1.1 User unknown"
    ticket = await desk.receive(sender=sender, body=body, **headers)

    assert (ticket.status, ticket.clocks) == (Status.FILED, ())
    assert desk.outbox_rows("team") == []
    assert [row.state for row in desk.outbox_rows("acknowledgement")] == ["suppressed"]


async def test_a_customer_without_a_trusted_result_is_threaded_and_marked_as_not_proven(store: Store) -> None:
    desk, ticket = await answered(store)
    again = await reply(desk, ticket, "Sudah ada kabar?")

    kept: Any = desk.all(select(messages).order_by(messages.c.id))[-1]
    assert (again.number, str(kept.authentication)) == (ticket.number, "none")
    assert any(words in newest_notice(desk) for words in ("not verified", "tidak terverifikasi"))
