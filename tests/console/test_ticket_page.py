"""The page of a ticket: what an agent reads there, who may read it, what its links lead to."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select

from mailbot.console.ticket.load import load_page
from mailbot.console.ticket.original import clean_html
from mailbot.domain import commands as c
from mailbot.domain.actor import Actor
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.commands.grammar import Act
from mailbot.domain.commands.registry import Below
from mailbot.domain.model import OutboxState
from mailbot.domain.reasons import Refusal
from mailbot.operations.legal_hold import HoldCommand, hold
from mailbot.operations.merge_split import MergeCommand, join
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store.schema import channel_messages, outbox, raw_mails
from tests.builders import BAYU, BOX, DEWI, RINA, SARI
from tests.console.office import Office, Served
from tests.domain.compensation.test_requests import LIMITS, rp
from tests.workers.test_agent_replies import reply
from tests.workers.test_intake import BUDI

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SVG = "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIG9ubG9hZD0iYWxlcnQoMSkiLz4="


def act(office: Office, number: str, agent: str, act: Act, *, money: bool = False) -> None:
    by, now = Actor.agent(agent), office.intake.clock
    command = TicketCommand(number, act, by, now, money=money)
    assert isinstance(run_command(office.store, office.intake.runtime, command), Acted)


def words(html: str) -> str:
    """Return what a page says, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def attached(name: str, kind: str, content: str) -> dict[str, str]:
    """Return a mail with one file."""
    body = (
        f"--b\r\nContent-Type: text/plain\r\n\r\nLihat berkasnya.\r\n--b\r\nContent-Type: {kind}\r\n"
        f'Content-Disposition: attachment; filename="{name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        f"{content}\r\n--b--"
    )
    return {"MIME_Version": "1.0", "Content_Type": 'multipart/mixed; boundary="b"', "body": body}


async def test_the_page_says_what_is_asked_then_what_was_written(office: Office) -> None:
    ticket = await office.receive(sender=f"Budi <{BUDI}>", return_path=BUDI, Subject="Barang <b>rusak</b>")
    act(office, ticket.number, RINA.address, Act((c.AddNote("Sudah ditelepon."),), below=Below.NOTE))
    async with office.visitor(RINA.address) as rina:
        answer = await rina.get(f"/tickets/{ticket.number}")
    text = words(answer.text.partition("<main")[2])
    asked, subject, note, mail = map(
        text.index,
        (
            "jawab Budi sebelum 04.00 UTC",
            "Barang &lt;b&gt;rusak",
            "Catatan, hanya untuk tim",
            "Pesanan saya belum sampai",
        ),
    )
    assert asked < subject < note < mail
    assert "tidak terverifikasi" in text
    assert "Kalau belum dijawab: 03.30 UTC pengingat, 04.00 UTC naik ke L2." in text
    assert "no other rule" not in text


@pytest.mark.parametrize(
    ("later", "state"),
    [(timedelta(), "turn"), (timedelta(minutes=46), "soon"), (timedelta(minutes=61), "late")],
)
async def test_the_band_has_the_state_of_the_promise(office: Office, later: timedelta, state: str) -> None:
    ticket = await office.receive()
    office.intake.clock += later
    async with office.visitor(RINA.address) as rina:
        page = (await rina.get(f"/tickets/{ticket.number}")).text
    assert f'class="band {state}"' in page


async def test_another_spelling_and_a_merged_ticket_lead_to_the_right_page(office: Office) -> None:
    first, second = await office.receive(), await office.receive()
    async with office.visitor(RINA.address) as rina:
        typed = await rina.get(f"/tickets/{first.number.lower().replace('-', '')}")
        assert typed.headers["location"] == f"/tickets/{first.number}"
        by = Actor.agent(RINA.address)
        command = MergeCommand(second.number, c.Merge(first.number), by, office.intake.clock)
        assert not isinstance(join(office.store, office.intake.runtime, command), Refusal | None)
        moved = await rina.get(f"/tickets/{second.number}?done=abc")
        assert moved.headers["location"] == f"/tickets/{first.number}?from={second.number}&done=abc"
        page = words((await rina.get(moved.headers["location"])).text)
    assert f"{second.number} digabungkan ke tiket ini." in page


PATHS = ("", "/parts", "/history", "/files/1", "/messages/1", "/messages/1/html", "/messages/1/raw")


@pytest.mark.parametrize("path", [*PATHS, "/messages/1/files/abc"])
async def test_who_may_not_see_a_ticket_reads_what_an_unknown_number_says(office: Office, path: str) -> None:
    ticket = await office.receive(**attached("foto.png", "image/png", PNG))
    async with office.visitor(DEWI.address) as dewi, office.visitor() as nobody:
        refused = await dewi.get(f"/tickets/{ticket.number}{path}")
        unknown = await dewi.get(f"/tickets/TOKO-00000000-0{path}")
        assert (refused.status_code, refused.text) == (404, unknown.text)
        assert (await nobody.get(f"/tickets/{ticket.number}{path}")).status_code == 303
    async with office.visitor(SARI.address) as sari:
        allowed = (await sari.get(f"/tickets/{ticket.number}{path}")).status_code
        assert allowed == (404 if path.endswith("abc") else 200)


async def test_a_message_and_a_file_of_another_ticket_are_not_there(office: Office) -> None:
    first, other = await office.receive(), await office.receive(**attached("foto.png", "image/png", PNG))
    async with office.visitor(RINA.address) as rina:
        for path in (
            "messages/2",
            "messages/2/html",
            "messages/2/raw",
            "files/1",
            "messages/99999999999999999999",
        ):
            assert (await rina.get(f"/tickets/{first.number}/{path}")).status_code == 404
        assert (await rina.get(f"/tickets/{other.number}/files/2")).status_code == 404


@pytest.mark.parametrize(
    ("name", "kind", "content", "served", "shown"),
    [
        ("foto.png", "image/png", PNG, "image/png", True),
        ("foto.svg", "image/svg+xml", SVG, "application/octet-stream", False),
        ("foto.png", "image/png", SVG, "application/octet-stream", False),
        ("halaman.html", "text/html", SVG, "application/octet-stream", False),
    ],
)
async def test_a_file_is_a_download_and_only_a_picture_is_shown(
    office: Office, name: str, kind: str, content: str, served: str, shown: bool
) -> None:
    ticket = await office.receive(**attached(name, kind, content))
    async with office.visitor(RINA.address) as rina:
        page = (await rina.get(f"/tickets/{ticket.number}")).text
        file = await rina.get(f"/tickets/{ticket.number}/files/1")
    assert ("<img" in page) is shown
    assert file.headers["content-type"] == served
    assert file.headers["content-disposition"] == f"attachment; filename*=UTF-8''{name}"
    assert file.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in file.headers["content-security-policy"]


async def test_the_raw_mail_is_served_byte_for_byte(office: Office) -> None:
    ticket = await office.receive(body="Tolong dicek.")
    async with office.visitor(RINA.address) as rina:
        raw = await rina.get(f"/tickets/{ticket.number}/messages/1/raw")
    assert raw.headers["content-type"] == "message/rfc822"
    assert raw.content.endswith(b"\r\n\r\nTolong dicek.\r\n")


async def test_html_is_shown_as_it_came_without_what_acts(office: Office) -> None:
    body = (
        "<h1>Halo</h1><script>alert(1)</script><img src=https://x.example/p.png onerror=alert(1)><b>rusak</b>"
    )
    ticket = await office.receive(Content_Type="text/html; charset=utf-8", MIME_Version="1.0", body=body)
    async with office.visitor(RINA.address) as rina:
        page = (await rina.get(f"/tickets/{ticket.number}/messages/1")).text
        shown = await rina.get(f"/tickets/{ticket.number}/messages/1/html")
    assert "<iframe" in page
    assert "<h1>Halo</h1><b>rusak</b>" in shown.text
    policy = shown.headers["content-security-policy"]
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert shown.headers["x-frame-options"] == "SAMEORIGIN"


def test_html_that_would_take_long_is_cut() -> None:
    assert clean_html("<ul><li>" * 200_000)[1]
    assert clean_html("x" * 600_000)[1]
    assert clean_html("<p>biasa</p>") == ("<p>biasa</p>", False)


async def test_quotes_are_folded_and_long_mails_end_in_a_link(office: Office) -> None:
    first = await office.receive()
    head = "Pada Sen, 23 Nov 2026 10.00 TokoDompet <support@dukungan.example> menulis:"
    body = f"Masih belum sampai.\r\n\r\n{head}\r\n> Halo,\r\n> Nomor"
    await office.receive(body=body, Subject=f"Re: {first.number}")
    await office.receive(body="kata " * 3000, Subject=f"Re: {first.number}")
    async with office.visitor(RINA.address) as rina:
        page = (await rina.get(f"/tickets/{first.number}")).text
        whole = (await rina.get(f"/tickets/{first.number}/messages/3")).text
    assert "baris dilipat" in page
    assert "karakter lagi" in page
    assert "karakter lagi" not in whole
    assert "Kenapa di tiket ini: nomor pada judul, pengirim adalah peserta" in whole
    assert len(whole) > 15_000


async def test_older_messages_are_a_page_further_and_do_not_refresh(office: Office) -> None:
    ticket = await office.receive()
    for number in range(35):
        act(office, ticket.number, RINA.address, Act((c.AddNote(f"catatan {number}"),), below=Below.NOTE))
    async with office.visitor(RINA.address) as rina:
        newest = (await rina.get(f"/tickets/{ticket.number}")).text
        link = re.search(r'href="(/tickets/[^"]+before=\d+)', newest)
        assert link
        older = (await rina.get(link[1])).text
    assert newest.count("<article") == 30
    assert "data-live=" in newest
    assert older.count("<article") == 6
    assert "Pesanan saya belum sampai" in older
    assert "data-live=" not in older


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": OutboxState.SENT}, f"Terkirim ke {BUDI}"),
        ({"state": OutboxState.FAILED, "reply": "5.1.1 no such user"}, f"Tidak sampai ke {BUDI}: 5.1.1"),
        ({"state": OutboxState.DEFERRED, "attempts": 1}, f"Belum sampai ke {BUDI}, dicoba lagi"),
    ],
)
async def test_an_answer_says_what_became_of_it(office: Office, changes: dict[str, Any], said: str) -> None:
    ticket = await office.receive()
    act(office, ticket.number, RINA.address, Act((), "Kami cek dulu."))
    changes = {**changes, "settled_at": office.intake.clock}
    answered = outbox.update().where(outbox.c.kind == "answer").values(changes)
    office.store.write_now(lambda connection, _: [connection.execute(answered)], None)
    async with office.visitor(RINA.address) as rina:
        page = words((await rina.get(f"/tickets/{ticket.number}")).text)
    assert said in page


async def test_an_answer_in_a_chat_says_whether_it_was_read(office: Office) -> None:
    ticket = await office.receive()
    act(office, ticket.number, RINA.address, Act((), "Kami cek dulu."))

    def read_by_the_customer(connection: Connection, _: object) -> list[None]:
        its = outbox.c.kind == "answer"
        sent = {"state": OutboxState.SENT, "settled_at": office.intake.clock}
        connection.execute(outbox.update().where(its).values(sent))
        row = {
            "channel": "chat",
            "status_at": office.intake.clock,
            "outbox_id": select(outbox.c.id).where(its).scalar_subquery(),
        }
        for part, status in ((0, "read"), (1, "read"), (2, "delivered")):
            connection.execute(
                insert(channel_messages).values(
                    {**row, "external_id": f"{part}", "part": part, "status": status}
                )
            )
        return [None]

    office.store.write_now(read_by_the_customer, None)
    async with office.visitor(RINA.address) as rina:
        assert f"Sampai di {BUDI}" in words((await rina.get(f"/tickets/{ticket.number}")).text)


async def test_the_history_is_in_the_agents_language(office: Office) -> None:
    ticket = await office.receive()
    async with office.visitor(RINA.address) as rina:
        page = words((await rina.get(f"/tickets/{ticket.number}/history")).text)
    assert "Kebijakan menugaskannya kepada Rina" in page
    assert "konfirmasi penerimaan" in page
    assert RINA.address not in page.split("Email kami")[0]


async def test_other_tickets_of_the_customer_are_links_only_where_they_may_be_seen(office: Office) -> None:
    mine = await office.receive(Subject="Barang")
    theirs = await office.receive(Subject="Saldo rahasia hilang")
    async with office.visitor(RINA.address) as rina:
        page = (await rina.get(f"/tickets/{mine.number}")).text
    assert theirs.number in page
    assert f"/tickets/{theirs.number}" not in page
    assert "rahasia" not in page


async def test_the_parts_that_refresh_have_no_form(office: Office) -> None:
    ticket = await office.receive(to=BOX.address)
    async with office.visitor(RINA.address) as rina:
        parts = (await rina.get(f"/tickets/{ticket.number}/parts")).text
    assert parts.count("hx-swap-oob") == 3
    assert "<form" not in parts
    assert "<html" not in parts


async def test_what_came_in_last_stands_above_the_answer(office: Office) -> None:
    ticket = await office.receive(body="Pertama.")
    await office.receive(body="Kedua.", Subject=f"Re: {ticket.number}")
    act(office, ticket.number, RINA.address, Act((c.AddNote("Ketiga."),), below=Below.NOTE))
    async with office.visitor(RINA.address) as rina:
        page = (await rina.get(f"/tickets/{ticket.number}")).text
    third, second, form, first = map(page.index, ("Ketiga.", "Kedua.", "<textarea", "Pertama."))
    assert third < second < form < first


async def test_every_read_of_the_page_goes_by_an_index(office: Office) -> None:
    ticket = await office.receive(**attached("foto.png", "image/png", PNG))
    asked: list[tuple[str, Any]] = []
    note = lambda *given: asked.append((given[2], given[3]))  # noqa: E731
    event.listen(office.store.engine, "before_cursor_execute", note)
    office.store.read_now(load_page, ticket)
    event.remove(office.store.engine, "before_cursor_execute", note)
    plans = [
        (statement, row[-1])
        for statement, values in asked
        for row in office.store.read_now(
            lambda c, each=(f"EXPLAIN QUERY PLAN {statement}", values): c.exec_driver_sql(*each).all()
        )
    ]
    assert len(asked) >= 10
    assert [(plan, statement) for statement, plan in plans if re.match(r"SCAN (?!CONSTANT|\()", plan)] == []


async def test_a_long_history_shows_its_newest_events(office: Office) -> None:
    ticket = await office.receive()
    for number in range(300):
        act(office, ticket.number, RINA.address, Act((c.AddNote(f"catatan {number}"),), below=Below.NOTE))
    async with office.visitor(RINA.address) as rina:
        page = (await rina.get(f"/tickets/{ticket.number}/history")).text
    assert page.count("<li>") == 300
    assert "kejadian yang lebih lama tidak ditampilkan" in page


async def test_a_mail_whose_bytes_are_deleted_says_so(office: Office) -> None:
    ticket = await office.receive()
    office.store.write_now(lambda connection, _: [connection.execute(raw_mails.delete())], None)
    async with office.visitor(RINA.address) as rina:
        page = (await rina.get(f"/tickets/{ticket.number}/messages/1")).text
        assert (await rina.get(f"/tickets/{ticket.number}/messages/1/raw")).status_code == 404
    assert "sudah dihapus menurut masa simpan" in page
    assert "Pesanan saya belum sampai" in page


def test_a_new_mail_appears_beside_what_is_being_written(open_page: Any, served: Served) -> None:
    ticket = served.receive(body="Pertama.")
    page = open_page(f"/tickets/{ticket.number}")
    page.locator("textarea").first.fill("Halo Budi, kami")
    for body in ("Yang kedua.", "Yang ketiga."):  # what came by itself refreshes itself as well
        served.receive(body=body, Subject=f"Re: {ticket.number}")
        page.get_by_text(body).first.wait_for()
    assert page.locator("textarea").first.input_value() == "Halo Budi, kami"
    assert page.locator("#newest article").count() == 1
    assert page.locator("#dialogue article").count() == 2
    page.locator("#side summary").click()
    page.locator("#history-events li").first.wait_for()


async def test_an_answer_by_mail_says_what_became_of_it_and_a_held_one_why(office: Office) -> None:
    ticket = await office.receive()
    await reply(office.intake, ticket.number, "Kami cek dulu.")
    await reply(office.intake, ticket.number, "Catatan: jangan dikirim.")
    async with office.visitor(RINA.address) as rina:
        page = (await rina.get(f"/tickets/{ticket.number}")).text
    held, answer = (words(each) for each in page.split("<article")[1:3])
    assert "Ditahan, tidak dikirim:" in held
    assert "jangan dikirim" in held
    assert f"Sedang dikirim ke {BUDI}" in answer
    assert "Ditahan" not in answer


async def test_it_says_who_took_a_ticket(office: Office) -> None:
    ticket = await office.receive()
    act(office, ticket.number, BAYU.address, Act((c.Assign(BAYU.address),)))
    async with office.visitor(RINA.address) as rina:
        page = words((await rina.get(f"/tickets/{ticket.number}")).text)
    assert "Bayu mengambilnya." in page
    assert "Giliran Bayu: jawab" in page


async def test_people_money_and_holds_stand_beside_the_dialogue(office: Office) -> None:
    office = Office(office.store, authority=LIMITS)
    ticket = await office.receive(Cc="Ana <ana@kantor.example>", Subject="Barang")
    act(office, ticket.number, RINA.address, Act((c.Compensate(rp(900), "Terlambat"),)), money=True)
    by, now = Actor.operator("eko"), office.intake.clock
    hold(office.store, office.intake.runtime, HoldCommand(ticket.number, True, "Surat polisi", by, now))
    await office.receive(sender="lain@orang.example", Subject=f"Re: {ticket.number}")
    async with office.visitor(RINA.address) as rina:
        page = words((await rina.get(f"/tickets/{ticket.number}")).text.partition("<aside")[2])
    for said in (
        "Belum dikonfirmasi ana@kantor.example",
        "Permintaan 1 Rp900 diminta, Rina, hari ini",
        ": Terlambat",
        "Dilarang dihapus sejak hari ini",
        ": Surat polisi",
        "Diakui, tanpa bukti, oleh TOKO-",
    ):
        assert said in page
