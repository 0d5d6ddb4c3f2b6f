"""Acting on a ticket by forms, without scripts: done, refused with the text kept, once however often it is sent."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from mailbot.domain.model import Status, Turn
from mailbot.store.schema import messages, outbox
from tests.builders import BAYU, BOX, DEWI, RINA, SARI
from tests.console.acting_forms import after, offered, send
from tests.console.office import Office, Visitor
from tests.workers.test_intake import BUDI

ANSWER = "Barang Anda sudah kami kirim ulang pagi ini."


@pytest.fixture
def office(office: Office) -> Office:
    box = replace(BOX, undo=timedelta(minutes=2), collision=timedelta(minutes=10))
    policy = replace(office.desk.policy, mailboxes={BOX.address: box}, admins=("admin@toko.example",))
    office.intake.runtime.replace(policy, office.intake.runtime.snapshot.composer.templates)
    return office


@pytest.fixture
async def rina(office: Office) -> AsyncIterator[Visitor]:
    async with office.visitor(RINA.address) as visitor:
        yield visitor


def sent(office: Office) -> list[Any]:
    return office.intake.all(select(outbox).where(outbox.c.kind == "answer"))


# --- done -------------------------------------------------------------------------------------------------


async def test_an_answer_is_sent_and_the_page_says_what_the_customer_reads(
    office: Office, rina: Visitor
) -> None:
    number = (await office.receive()).number
    page = await after(rina, await send(rina, number, "answer", text=ANSWER, then="wait"))
    assert "Sudah dilakukan." in page
    assert ANSWER in page
    assert "sampai saat itu dapat dibatalkan" in page
    assert office.ticket(number).turn is Turn.CUSTOMER
    (mail,) = sent(office)
    assert mail.recipient == BUDI
    assert office.intake.woken


@pytest.mark.parametrize(
    ("then", "field", "status", "words"),
    [
        ("working", "besok 10.00", Status.OPEN, "Kabar dijanjikan"),
        ("third", "3 hari", Status.WAITING, "Giliran pihak ketiga"),
        ("close", "salah kirim", Status.CLOSED, "Ditutup"),
    ],
)
async def test_an_answer_goes_with_a_verb(
    office: Office, rina: Visitor, then: str, field: str, status: Status, words: str
) -> None:
    number = (await office.receive()).number
    answer = await send(rina, number, "answer", text=ANSWER, then=then, **{f"then_{then}": field})
    assert words in await after(rina, answer)
    assert office.ticket(number).status is status


async def test_a_note_stays_with_the_team(office: Office, rina: Visitor) -> None:
    number = (await office.receive()).number
    page = await after(rina, await send(rina, number, "note", text="Sudah dicek di gudang"))
    assert "Pelanggan tidak menerima apa-apa" in page
    assert sent(office) == []


async def test_verbs_of_the_registry_act_by_their_own_forms(office: Office, rina: Visitor) -> None:
    number = (await office.receive()).number
    for verb, fields in (
        ("escalate", {"words": "L2", "because": "nominal besar"}),
        ("take", {}),
        ("tag", {"words": "+vip"}),
        ("priority", {"words": "urgent"}),
        ("wait", {}),
    ):
        await after(rina, await send(rina, number, verb, **fields))
    ticket = office.ticket(number)
    assert (ticket.level, ticket.assignee, ticket.priority) == ("L2", RINA.address, "urgent")
    assert "vip" in ticket.tags
    assert ticket.turn is Turn.CUSTOMER


async def test_what_was_handed_to_a_team_of_others_is_still_reported(office: Office, rina: Visitor) -> None:
    number = (await office.receive()).number
    before = (await rina.get(f"/tickets/{number}")).text
    answer = await send(rina, number, "hand-over", before, words="payments", because="soal saldo")
    page = await after(rina, answer)
    again = await send(rina, number, "hand-over", before, words="payments", because="soal saldo")
    assert "tidak dua kali" in await after(rina, again)
    assert (await send(rina, number, "wait", before)).status_code == 404
    assert "sekarang milik tim lain" in page
    assert (await rina.get(f"/tickets/{number}")).status_code == 404
    async with office.visitor(DEWI.address) as dewi:
        assert (await dewi.get(answer.headers["location"])).status_code == 404


async def test_an_act_is_undone_while_it_can_be(office: Office, rina: Visitor) -> None:
    number = (await office.receive()).number
    page = await after(rina, await send(rina, number, "answer", text=ANSWER, then="wait"))
    assert 'data-key="u"' in page
    undone = await after(rina, await send(rina, number, "undo", page))
    assert "dibatalkan" in undone
    assert 'data-key="u"' not in undone
    assert [row.state for row in sent(office)] == ["suppressed"]

    await after(rina, await send(rina, number, "answer", text=ANSWER))
    office.intake.clock += timedelta(minutes=2)
    assert 'data-key="u"' not in (await rina.get(f"/tickets/{number}")).text


async def test_a_refused_undo_offers_no_second_try(office: Office, rina: Visitor) -> None:
    number = (await office.receive()).number
    page = await after(rina, await send(rina, number, "wait"))
    office.intake.clock += timedelta(minutes=3)
    answer = await send(rina, number, "undo", page)
    assert answer.status_code == 422
    assert "hanya dapat dibatalkan sampai" in answer.text
    assert "Kirim lagi" not in answer.text


# --- offered ----------------------------------------------------------------------------------------------


async def test_only_what_works_is_offered(office: Office, rina: Visitor) -> None:
    number = (await office.receive()).number
    opened = offered((await rina.get(f"/tickets/{number}")).text)
    assert {"answer", "note", "close", "wait", "assign", "hand-over", "escalate", "merge"} <= opened
    assert not opened & {
        "reopen",
        "undo",
        "approve",
        "refuse",
        "accept",
        "release",
        "decide",
        "send",
        "split",
    }
    assert not opened & {"resolve", "detach", "unmerge", "help", "macro", "compensate"}

    closed = offered(await after(rina, await send(rina, number, "close", words="selesai")))
    assert {"reopen", "undo", "cause"} <= closed
    assert not closed & {"close", "wait", "working", "snooze"}


async def test_options_leave_out_what_the_ticket_is_already(office: Office, rina: Visitor) -> None:
    number = (await office.receive()).number
    html = (await rina.get(f"/tickets/{number}")).text
    for value, is_offered in (("payments", True), ("frontline", False), ("L2", True), ("L1", False)):
        assert (f'<option value="{value}"' in html) is is_offered, value


async def test_an_admin_who_answers_nobody_may_do_what_an_operator_may(office: Office) -> None:
    number = (await office.receive()).number
    async with office.visitor("admin@toko.example") as admin:
        html = (await admin.get(f"/tickets/{number}")).text
        assert 'value="answer"' not in html
        assert 'value="take"' not in html
        await after(admin, await send(admin, number, "hand-over", html, words="payments"))
        forged = await admin.post(f"/tickets/{number}/act", {"verb": "answer", "text": "x", "once": "k"})
    assert forged.status_code == 422
    assert office.ticket(number).team == "payments"
    assert sent(office) == []


async def test_strangers_get_the_page_of_a_ticket_that_does_not_exist(office: Office) -> None:
    number = (await office.receive()).number
    async with office.visitor(DEWI.address) as dewi:
        for path in ("act", "draft", "presence", "macro"):
            for there in (number, "TOKO-00000000-0"):
                answer = await dewi.post(f"/tickets/{there}/{path}", {"verb": "note", "text": "x"})
                assert answer.status_code == 404, path
        assert (await dewi.get(f"/tickets/{number}/moment?words=besok")).status_code == 404
    assert office.ticket(number).events == office.ticket(number).events


# --- refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "fields", "words"),
    [
        ("answer", {"text": ANSWER, "then": "working", "then_working": "kemarin lusa"}, "kemarin lusa"),
        ("answer", {"text": ANSWER, "then": "third"}, ""),
        ("assign", {"words": "siapa"}, "siapa"),
    ],
)
async def test_a_refusal_says_why_and_loses_nothing(
    office: Office, rina: Visitor, verb: str, fields: dict[str, str], words: str
) -> None:
    number = (await office.receive()).number
    answer = await send(rina, number, verb, **fields)
    assert answer.status_code == 422
    assert "Tidak ada yang terkirim" in answer.text
    assert fields.get("text", "") in answer.text
    assert words in answer.text
    assert sent(office) == []
    if "text" in fields:
        assert ANSWER in (await rina.get(f"/tickets/{number}")).text, "kept as a draft, too"
        again = await send(rina, number, "answer", answer.text, text=ANSWER)
        await after(rina, again)
        assert len(sent(office)) == 1


async def test_an_answer_after_a_colleagues_is_asked_about_once(office: Office, rina: Visitor) -> None:
    number = (await office.receive()).number
    page = (await rina.get(f"/tickets/{number}")).text
    async with office.visitor(SARI.address) as sari:
        await after(sari, await send(sari, number, "answer", text="Kami sudah mengirim penggantinya."))

    held = await send(rina, number, "answer", page, text=ANSWER)
    assert held.status_code == 422
    for words in ("1 pesan baru", "Kami sudah mengirim penggantinya.", "Sari", ANSWER, "Tetap kirim"):
        assert words in held.text
    again = await send(rina, number, "answer", held.text, text=ANSWER)
    assert again.status_code == 422, "without the word of the button it is held"
    assert "Kami sudah mengirim penggantinya." in again.text
    await after(rina, await send(rina, number, "answer", held.text, text=ANSWER, anyway="1"))
    assert len(sent(office)) == 2


async def test_an_answer_waits_for_a_look_at_what_the_customer_wrote_meanwhile(
    office: Office, rina: Visitor
) -> None:
    number = (await office.receive()).number
    page = (await rina.get(f"/tickets/{number}")).text
    await office.receive(Subject=f"[{number}] Barang", body="Sudah sampai, terima kasih!")
    asked = await send(rina, number, "answer", page, text=ANSWER)
    assert asked.status_code == 422
    assert "Sudah sampai, terima kasih!" in asked.text
    await after(rina, await send(rina, number, "answer", asked.text, text=ANSWER))
    assert len(sent(office)) == 1


# --- once -------------------------------------------------------------------------------------------------


async def test_a_form_that_is_sent_twice_acts_once_and_the_page_says_so(
    office: Office, rina: Visitor
) -> None:
    number = (await office.receive()).number
    page = (await rina.get(f"/tickets/{number}")).text
    await after(rina, await send(rina, number, "answer", page, text=ANSWER))
    again = await after(rina, await send(rina, number, "answer", page, text=ANSWER))
    assert "tidak dua kali" in again
    assert ANSWER in again
    assert len(sent(office)) == 1
    # Another text after the browser's "back" is another answer; one's own is known.
    page_again = await send(rina, number, "answer", page, text=ANSWER + " Maaf.")
    assert page_again.status_code == 303
    assert len(sent(office)) == 2


async def test_a_token_of_another_session_acts_not(office: Office, rina: Visitor) -> None:
    number = (await office.receive()).number
    async with office.visitor(BAYU.address) as bayu:
        answer = await rina.post(f"/tickets/{number}/act", {"csrf": bayu.csrf, "verb": "take", "once": "k"})
    assert answer.status_code == 403


# --- files ------------------------------------------------------------------------------------------------

PICTURE = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


async def test_files_go_along_named_and_typed_by_what_they_are(office: Office, rina: Visitor) -> None:
    number = (await office.receive()).number
    files = [
        ("files", ("..\\..\\resi.png", PICTURE, "text/html")),
        ("files", ("daftar.csv", b"satu,dua", "text/csv")),
    ]
    await after(rina, await send(rina, number, "answer", text=ANSWER, files=files))
    (mail,) = sent(office)
    parts = {part.get_filename(): part for part in office.intake.content(mail).iter_attachments()}
    assert list(parts) == ["resi.png", "daftar.csv"]
    assert parts["resi.png"].get_content() == PICTURE
    (row,) = office.intake.all(select(messages).where(messages.c.direction == "out"))
    assert [each["type"] for each in row.evidence["files"]] == ["image/png", "text/csv"]


@pytest.mark.parametrize("name", ["alat.exe", "tagihan.pdf.js"])
async def test_a_program_does_not_go_along_and_the_text_is_kept(
    office: Office, rina: Visitor, name: str
) -> None:
    number = (await office.receive()).number
    answer = await send(
        rina, number, "answer", text=ANSWER, files=[("files", (name, b"MZ" * 50, "image/png"))]
    )
    assert answer.status_code == 422
    assert name in answer.text
    assert "Pilih lagi berkasnya" in answer.text
    assert ANSWER in answer.text
    assert sent(office) == []


# --- two tickets ------------------------------------------------------------------------------------------


async def test_tickets_are_merged_and_unmerged_from_their_pages(office: Office, rina: Visitor) -> None:
    first = (await office.receive()).number
    second = (await office.receive(Subject="Barang kedua")).number
    page = await after(rina, await send(rina, second, "merge", words=first.lower()))
    assert f"{second} sekarang bagian dari {first}" in page
    assert office.ticket(second).merged_into == first
    page = await after(rina, await send(rina, first, "unmerge", words=second))
    assert "tersendiri lagi" in page
    assert office.ticket(second).merged_into is None


async def test_a_message_is_split_off_and_a_foreign_one_looks_unknown(office: Office, rina: Visitor) -> None:
    number = (await office.receive()).number
    await office.receive(Subject=f"[{number}] Barang", body="Saldo saya juga terpotong.")
    other = (await office.receive(Subject="Saldo terpotong", sender="siti@lain.example")).number
    ids = {row.ticket: row.id for row in office.intake.all(select(messages).order_by(messages.c.id))}
    foreign = await send(rina, number, "split", message=str(ids[other]))
    assert foreign.status_code == 422
    into = await send(rina, number, "merge", words=other)
    assert (into.status_code, "tidak ada tiket" in into.text.lower()) == (422, True)
    before = (await rina.get(f"/tickets/{number}")).text
    page = await after(rina, await send(rina, number, "split", before, message=str(ids[number])))
    assert "Dipisahkan menjadi tiket" in page
    again = await after(rina, await send(rina, number, "split", before, message=str(ids[number])))
    assert "tidak dua kali" in again
    for bad in ("0", "9" * 30, "x"):
        assert (await send(rina, number, "move-message", before, message=bad)).status_code == 422, bad


async def test_a_text_that_is_too_long_is_refused_and_not_cut(office: Office, rina: Visitor) -> None:
    number = (await office.receive()).number
    answer = await send(rina, number, "answer", text="x" * 50_001)
    assert (answer.status_code, "x" * 50_001 in answer.text) == (422, True)
    await after(rina, await send(rina, number, "answer", text="x" * 50_000))


async def test_no_text_reaches_the_customer_beside_a_verb_that_has_none(
    office: Office, rina: Visitor
) -> None:
    number = (await office.receive()).number
    await after(rina, await send(rina, number, "wait", text=ANSWER))
    assert sent(office) == []
