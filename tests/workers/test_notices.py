"""What agents read: the real notices of mails, commands and deadlines, in both languages."""

import re
from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from mailbot.domain import commands as c
from mailbot.domain.commands.grammar import Act
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store.schema import frozen_files, frozen_mails
from tests.builders import BAYU, RINA, SARI
from tests.workers.test_intake import BUDI, Desk

PHOTO = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20
EXE = b"MZ" + bytes(200)
KEYS = re.compile(r"\b\w+_\w+\b|\b[a-z]+/[a-z]+\b")


@pytest.fixture
def desk(store: Any) -> Desk:
    return Desk(store)


def notices(desk: Desk) -> list[Any]:
    return [desk.content(row) for row in desk.outbox_rows("team")]


def text_of(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content()).replace("\r\n", "\n")


def files_of(mail: Any) -> dict[str, bytes]:
    return {part.get_filename(): part.get_content() for part in mail.iter_attachments()}


def with_files(text: str, **files: bytes) -> dict[str, str]:
    parts = "".join(
        f'--b\r\nContent-Type: application/octet-stream; name="{name.replace("__", ".")}"\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{b64encode(content).decode()}\r\n"
        for name, content in files.items()
    )
    body = f"--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n{parts}--b--"
    return {"Content_Type": 'multipart/mixed; boundary="b"', "MIME_Version": "1.0", "body": body}


async def test_a_notice_holds_people_promise_and_next_step(desk: Desk) -> None:
    await desk.receive(
        From="Budi Santoso <budi@pelanggan.example>",
        Cc="Bos <bos@pelanggan.example>",
        Reply_To="lain@elsewhere.example",
    )
    text = text_of(notices(desk)[0])
    assert "Giliran Anda: jawab Budi Santoso sebelum 04.00 UTC (1 jam lagi)." in text
    assert "Kalau belum dijawab: 03.30 UTC pengingat, 04.00 UTC naik ke L2." in text
    assert "Tembusan: Bos <bos@pelanggan.example>" in text
    assert "Balas ke: lain@elsewhere.example" in text
    assert "Belum dikonfirmasi: bos@pelanggan.example" in text
    assert f"Balasan Anda di atas garis dikirim ke pelanggan ({BUDI})" in text
    assert text.index("Pesanan saya belum sampai") < 600


async def test_a_person_who_gets_the_ticket_later_reads_the_whole_dialogue(desk: Desk) -> None:
    ticket = await desk.receive()
    note = TicketCommand(ticket.number, Act((c.AddNote("sudah saya telepon"),)), _actor(), desk.clock)
    run_command(desk.store, desk.runtime, note)
    await desk.receive(Subject=f"Re: {ticket.number}", body="Masih belum datang juga.")
    desk.clock += timedelta(minutes=5)
    assign = TicketCommand(ticket.number, Act((c.Assign("bayu@tim.example"),)), _actor(), desk.clock)
    run_command(desk.store, desk.runtime, assign)

    mail = notices(desk)[-1]
    text = text_of(mail)
    assert mail["To"] == "bayu@tim.example"
    places = [text.index(each) for each in ("Masih belum", "sudah saya telepon", "Pesanan saya belum")]
    assert places == sorted(places)
    assert "Catatan, hanya untuk tim" in text
    assert "tanpa isi" not in text


async def test_all_notices_of_a_ticket_to_one_agent_group(desk: Desk) -> None:
    ticket = await desk.receive()
    await desk.receive(Subject=f"Re: {ticket.number}", body="Bagaimana?")
    await desk.receive(Subject=f"Re: {ticket.number}", body="Halo?")
    first, second, third = notices(desk)
    assert {each["Subject"] for each in (first, second, third)} == {f"Barang [{ticket.number}]"}
    assert "In-Reply-To" not in first
    assert second["In-Reply-To"] == first["Message-ID"]
    assert third["References"].split() == [first["Message-ID"], second["Message-ID"]]


async def test_a_file_goes_to_each_agent_once_and_a_dangerous_one_never(desk: Desk) -> None:
    ticket = await desk.receive(**with_files("Lihat foto.", foto__png=PHOTO, virus__exe=EXE))
    first = notices(desk)[0]
    assert files_of(first) == {"foto.png": PHOTO}
    assert f"ambil dengan: mailbot ticket attachment {ticket.number} 2 -o FILE" in text_of(first)

    desk.clock += timedelta(minutes=1)
    await desk.receive(Subject=f"Re: {ticket.number}", body="Bagaimana?")
    again = notices(desk)[-1]
    assert files_of(again) == {}
    assert "foto.png" in text_of(again)

    assign = TicketCommand(ticket.number, Act((c.Assign("bayu@tim.example"),)), _actor(), desk.clock)
    run_command(desk.store, desk.runtime, assign)
    assert files_of(notices(desk)[-1]) == {"foto.png": PHOTO}


async def test_a_file_for_several_people_is_kept_once_and_each_mail_is_whole(desk: Desk) -> None:
    files = with_files("Lihat.", foto__png=PHOTO, dua__bin=PHOTO[::-1])
    ticket = await desk.receive(**files)
    for agent in (BAYU, SARI):
        assign = TicketCommand(ticket.number, Act((c.Assign(agent.address),)), _actor(), desk.clock)
        run_command(desk.store, desk.runtime, assign)

    mails = notices(desk)
    assert [mail["To"] for mail in mails] == [RINA.address, BAYU.address, SARI.address]
    assert all(files_of(mail) == {"foto.png": PHOTO, "dua.bin": PHOTO[::-1]} for mail in mails)
    assert len(desk.all(select(frozen_files))) == 2
    rests = desk.all(select(frozen_mails.c.content))
    assert all(b64encode(PHOTO[:57]) not in row.content for row in rests)


async def test_what_is_folded_is_counted_and_stands_at_the_end(desk: Desk) -> None:
    ticket = await desk.receive()
    ours = text_of(desk.content(desk.outbox_rows("acknowledgement")[0])).split("\n")
    quoted = "\r\n".join(
        ("Sudah.", "", "Pada Sen, 23 Nov 2026 Toko menulis:", *(f"> {line}" for line in ours))
    )
    await desk.receive(Subject=f"Re: {ticket.number}", body=quoted)
    text = text_of(notices(desk)[-1])
    assert re.search(r"\[\d+ baris dilipat", text)
    assert text.index("> Halo,") > text.index("Balasan Anda")


async def test_other_open_tickets_of_the_customer_are_named(desk: Desk) -> None:
    first = await desk.receive()
    second = await desk.receive(Subject="Lain lagi")
    assert f"Tiket lain: {first.number} Barang" in text_of(notices(desk)[-1])
    assert second.number not in text_of(notices(desk)[0])


async def test_a_forged_sender_is_named_first_and_no_reply_is_offered(desk: Desk) -> None:
    await desk.receive(Authentication_Results="mx.dukungan.example; dmarc=fail header.from=pelanggan.example")
    text = text_of(notices(desk)[0])
    assert "PENGIRIM PALSU" in text[:500]
    assert "Balasan Anda" not in text


async def test_a_late_promise_is_said_with_the_time_that_has_passed(desk: Desk) -> None:
    ticket = await desk.receive()
    desk.clock += timedelta(minutes=75)
    await desk.receive(Subject=f"Re: {ticket.number}", body="Halo?")
    assert f"Terlambat: {BUDI} dijanjikan jawaban pukul 04.00 UTC (15 mnt lalu)" in text_of(notices(desk)[-1])


async def test_no_notice_shows_an_internal_key(desk: Desk) -> None:
    ticket = await desk.receive(Subject="saldo hilang", **with_files("Saldo saya", foto__png=PHOTO))
    await desk.receive(Subject=f"Re: {ticket.number}", body="Halo?")
    for mail in notices(desk):
        assert not KEYS.findall(re.sub(r"\S+@\S+", "", text_of(mail)))
        assert "medium" not in text_of(mail)


def _actor() -> Any:
    from mailbot.domain.actor import Actor

    return Actor.operator("eko")
