"""A mail with verbs on top, from the raw mail to what leaves: all of its commands, or none, and a receipt."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from mailbot.domain.model import Status, Turn
from mailbot.store.schema import messages
from mailbot.store.store import Store
from tests.builders import BAYU, RINA
from tests.workers.test_intake import AGENTS_NETWORK, BUDI, Desk, tag


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


async def command(desk: Desk, number: str, body: str, **headers: str) -> None:
    headers = {"Subject": f"Re: Barang [{number}]", "sender": RINA.address, **headers}
    await desk.receive(to=tag(number), peer=AGENTS_NETWORK, body=body.replace("\n", "\r\n"), **headers)


def text_of(desk: Desk, row: Any) -> str:
    return str(desk.content(row).get_body(("plain",)).get_content())


def last_message(desk: Desk) -> Any:
    return desk.all(select(messages).order_by(messages.c.id))[-1]


async def test_a_note_stays_with_us_and_its_author_gets_a_receipt(desk: Desk) -> None:
    number = (await desk.receive()).number
    notices = len(desk.outbox_rows("team"))
    await command(desk, number, "#catatan pelanggan ini sering menipu\nJangan dibalas.")

    assert desk.outbox_rows("answer") == []
    assert len(desk.outbox_rows("team")) == notices
    (receipt,) = desk.outbox_rows("receipt")
    assert (receipt.recipient, receipt.lane) == (RINA.address, 1)
    kept = last_message(desk)
    assert (kept.direction, kept.visible) == ("note", "pelanggan ini sering menipu\nJangan dibalas.")
    assert "Pelanggan tidak menerima apa-apa." in text_of(desk, receipt)


async def test_all_lines_act_and_the_text_below_goes_to_the_customer(desk: Desk) -> None:
    number = (await desk.receive()).number
    await command(desk, number, "#ambil\n#prioritas urgent\n#tunggu pelanggan\n\nMohon kirim nomor pesanan.")

    (answer,) = desk.outbox_rows("answer")
    assert answer.recipient == BUDI
    assert "#" not in text_of(desk, answer)
    ticket = desk.ticket_of(2)
    assert (ticket.assignee, ticket.priority, ticket.turn) == (RINA.address, "urgent", Turn.CUSTOMER)
    assert last_message(desk).visible == "Mohon kirim nomor pesanan."
    (receipt,) = desk.outbox_rows("receipt")
    shown = text_of(desk, receipt)
    assert "tiket ini milik Anda" in shown
    assert "Mohon kirim nomor pesanan." in shown


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("#ambil\n#selesaii\n\nSudah.", "#selesai"),
        ("#ambil\n#prioritas luar biasa\n\nSudah.", "Luar biasa"),
        ("#ambil\n#buka\n\nSudah.", "tidak ditutup"),
        ("\u200b#ambil\n\u200b#entah\nSudah.", "entah"),
    ],
)
async def test_one_line_that_cannot_be_done_stops_all(desk: Desk, body: str, reason: str) -> None:
    before = await desk.receive()
    await command(desk, before.number, body, Content_Type="text/plain; charset=utf-8")

    assert desk.outbox_rows("answer") == []
    assert replace(desk.ticket_of(2), events=before.events) == before
    assert last_message(desk).direction == "note"
    (receipt,) = desk.outbox_rows("receipt")
    assert "Tidak dijalankan" in text_of(desk, receipt)
    assert reason in text_of(desk, receipt)


async def test_who_takes_a_ticket_gets_the_receipt_alone_and_a_colleague_the_notice(desk: Desk) -> None:
    number = (await desk.receive()).number
    before = len(desk.outbox_rows("team"))
    await command(desk, number, "#ambil")
    assert len(desk.outbox_rows("team")) == before

    await command(desk, number, "#tugaskan bayu")
    assert [row.recipient for row in desk.outbox_rows("team")[before:]] == [BAYU.address]
    assert len(desk.outbox_rows("receipt")) == 2


async def test_a_closing_mail_sends_the_closing_word_with_the_text(desk: Desk) -> None:
    number = (await desk.receive()).number
    await command(desk, number, "#selesai\n\nBarang sudah kami kirim ulang.")

    assert desk.ticket_of(2).status is Status.CLOSED
    assert desk.outbox_rows("answer") == []
    (closing,) = desk.outbox_rows("closing")
    assert "Barang sudah kami kirim ulang." in text_of(desk, closing)
    assert "Barang sudah kami kirim ulang." in text_of(desk, desk.outbox_rows("receipt")[0])


async def test_what_is_quoted_below_never_acts(desk: Desk) -> None:
    number = (await desk.receive(body="#selesai\r\n#buka")).number
    (notice,) = desk.outbox_rows("team")
    quoted = "\n".join(f"> {line}" for line in text_of(desk, notice).splitlines())
    await command(desk, number, f"Sedang kami cek.\n\n{quoted}", In_Reply_To=notice.message_id)

    assert desk.ticket_of(2).status is not Status.CLOSED
    assert len(desk.outbox_rows("answer")) == 1
    assert desk.outbox_rows("receipt") == []


@pytest.mark.parametrize(
    "body",
    [
        "Kami cek dulu.\n#catatan pelanggan ini menipu",
        "*#catatan* pelanggan ini menipu",
        "- #catatan pelanggan ini menipu",
        "♯catatan pelanggan ini menipu",
        "#selesai\nCatatan: pelanggan ini menipu",
        "#selesai\n\n*#catatan* pelanggan ini menipu",
        "\u200b\ufeff#catatan pelanggan ini menipu",
        "\uff03catatan pelanggan ini menipu",
        "#c\u0430tatan pelanggan ini menipu",
        "#catatan\u200b pelanggan ini menipu",
        "#Catatan : pelanggan ini menipu",
        "# catatan pelanggan ini menipu",
        "##catatan pelanggan ini menipu",
        "#ambil\n#catatan pelanggan ini menipu",
        "#tunggu pelanggan\n#note\npelanggan ini menipu",
    ],
)
async def test_no_note_reaches_the_customer_however_it_is_written(desk: Desk, body: str) -> None:
    number = (await desk.receive()).number
    await command(desk, number, body, Content_Type="text/plain; charset=utf-8")

    to_customer = [row for kind in ("answer", "closing", "progress") for row in desk.outbox_rows(kind)]
    assert not any("menipu" in text_of(desk, row) for row in to_customer)
    assert last_message(desk).direction == "note"
    assert len(desk.outbox_rows("receipt")) + len(desk.outbox_rows("refusal")) == 1


async def test_a_promise_with_an_answer_is_named_in_the_answer_and_without_one_in_its_own_mail(
    desk: Desk,
) -> None:
    body = "Pesanan saya belum sampai, mohon dibantu ya kak."
    number = (await desk.receive(body=body)).number
    await command(desk, number, "#proses sampai 30 menit\n\nSedang kami cek ke gudang.")
    (answer,) = desk.outbox_rows("answer")
    shown = text_of(desk, answer)
    assert "Kami kabari lagi paling lambat Senin, 23 November, pukul 03.30 UTC" in shown
    assert shown.index("gudang") < shown.index("Kami kabari") < shown.index("Rina")
    assert desk.outbox_rows("progress") == []

    await command(desk, number, "#proses sampai 60 menit")
    assert len(desk.outbox_rows("answer")) == 1
    (progress,) = desk.outbox_rows("progress")
    assert "04.00" in text_of(desk, progress)
