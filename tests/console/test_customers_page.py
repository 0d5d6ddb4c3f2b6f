"""The page of one ticket for its customer: who may open it, what it shows, what is sent from it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from mailbot.domain import commands as c
from mailbot.domain.model import Direction, Envelope, InboundMail, Status, Turn
from mailbot.domain.policy import Detail
from mailbot.operations.merge_split import MergeCommand, join
from mailbot.store.schema import attachments, events, inbox, messages
from mailbot.workers.inbound.intake import Intake
from tests.builders import BOX, EKO, RINA, policy
from tests.console.customers import PNG, act, link, links, open_office, send_all
from tests.console.office import Office
from tests.workers.test_intake import BUDI, KEYS

ANA = "ana@kantor.example"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = open_office(tmp_path)
    yield office
    office.store.close()


def _text(office: Office, number: str) -> list[tuple[str, str]]:
    rows = office.intake.all(select(messages).where(messages.c.ticket == number).order_by(messages.c.id))
    return [(row.direction, row.visible) for row in rows]


PROVEN = {"Authentication_Results": "mx.dukungan.example; dmarc=pass header.from=pelanggan.example"}


async def _open(office: Office, path: str) -> tuple[int, str]:
    async with office.visitor() as visitor:
        answer = await visitor.get(path)
    return answer.status_code, answer.text


async def _send(
    office: Office, path: str, text: str = "", *, once: str = "a", **options: object
) -> tuple[int, str]:
    """Send the form, and let the mail be decided. Return the status, and where it leads or what it says."""
    async with office.visitor() as visitor:
        answer = await visitor.client.post(path, data={"text": text, "once": once}, **options)
    await office.intake.work()
    return answer.status_code, answer.headers.get("location", answer.text)


# --- who opens it -----------------------------------------------------------------------------------------


async def test_the_link_of_the_acknowledgement_opens_the_customers_own_report(office: Office) -> None:
    ticket = await office.receive(Subject="Saldo terpotong", body="Saldo saya terpotong dua kali.", **PROVEN)
    status, page = await _open(office, link(office))
    assert status == 200
    for words in (ticket.number, "Saldo terpotong", "Saldo saya terpotong dua kali.", "petugas kami"):
        assert words in page


async def test_a_foreign_a_tampered_and_a_missing_key_look_like_a_number_that_does_not_exist(
    office: Office,
) -> None:
    first = await office.receive()
    await office.receive(sender=ANA)
    own, others = link(office), link(office, ANA)
    key = others.partition("k=")[2]
    wrong = [
        f"/t/{first.number}?k={key}",  # of another ticket and person
        f"{own[:-1]}{'a' if own[-1] != 'a' else 'b'}",
        own.upper().replace("/T/", "/t/").replace("?K=", "?k="),
        own.partition("?")[0],
        f"/t/{first.number}?k=",
        f"/t/{first.number}?k={'a' * 50_000}",
        f"/t/{first.number}?k=%00%ff",
        "/t/TOKO-11111111-1?k=abc",
        "/t/..%5c..%5cetc?k=abc",
        "/t/%00?k=abc",
    ]
    answers = {await _open(office, path) for path in wrong}
    assert len(answers) == 1
    assert answers.pop()[0] == 404


async def test_the_key_of_one_person_does_not_open_the_page_of_another_ticket_of_theirs(
    office: Office,
) -> None:
    first = await office.receive()
    second = await office.receive(Subject="Lain")
    path = link(office).replace(second.number, first.number)
    assert (await _open(office, path))[0] == 404


async def test_a_key_of_a_former_secret_opens_the_page_while_that_secret_counts(office: Office) -> None:
    await office.receive()
    path, runtime = link(office), office.intake.runtime
    old = runtime.snapshot.keys.secret
    runtime.replace_keys(
        replace(runtime.snapshot.keys, secret=b"another secret of 32 bytes......", previous=(old,))
    )
    assert (await _open(office, path))[0] == 200
    runtime.replace_keys(replace(runtime.snapshot.keys, previous=()))
    assert (await _open(office, path))[0] == 404


async def test_a_link_ends_when_its_person_is_removed_or_is_no_longer_the_customer(office: Office) -> None:
    ticket = await office.receive(sender=BUDI, Cc=ANA)
    await act(office, ticket, c.AddParticipants((ANA,)))
    await act(office, ticket, text="Kami periksa.")
    of_ana, of_budi = link(office, ANA), link(office)
    assert (await _open(office, of_ana))[0] == 200
    await act(office, ticket, c.RemoveParticipants((ANA,)))
    await act(office, ticket, c.SetCustomer("baru@pelanggan.example"))
    assert (await _open(office, of_ana))[0] == 404
    assert (await _open(office, of_budi))[0] == 404


async def test_a_merged_tickets_link_leads_to_where_its_matter_is(office: Office) -> None:
    first = await office.receive(Subject="Pertama", body="Ini yang pertama.", **PROVEN)
    second = await office.receive(Subject="Kedua", body="Ini yang kedua.", **PROVEN)
    of_second = link(office)
    merge = MergeCommand(second.number, c.Merge(first.number), EKO, office.intake.clock)
    join(office.store, office.intake.runtime, merge)
    status, page = await _open(office, of_second)
    assert status == 200
    assert first.number in page
    assert "Ini yang pertama." in page
    assert "Ini yang kedua." in page
    await act(office, first, c.SetCustomer("baru@pelanggan.example"))
    assert (await _open(office, of_second))[0] == 404


async def test_an_acknowledgement_to_another_address_than_the_customers_has_no_link(office: Office) -> None:
    await office.receive(sender=BUDI, return_path="penipu@lain.example")
    assert links(office, "penipu@lain.example") == []


async def test_an_acknowledgement_of_a_mail_that_failed_authentication_has_no_link(office: Office) -> None:
    await office.receive(
        Authentication_Results="mx.dukungan.example; dmarc=fail header.from=pelanggan.example"
    )
    assert links(office) == []


# --- what it shows ----------------------------------------------------------------------------------------


async def test_notes_agents_and_other_people_are_never_shown(office: Office) -> None:
    ticket = await office.receive(body="Tulisan saya.", **PROVEN)
    await act(office, ticket, c.AddParticipants((ANA,)))
    await act(office, ticket, c.AddNote("Catatan rahasia tim."))
    await act(office, ticket, text="Jawaban kami untuk Anda.")
    proven = {name: value.replace("pelanggan", "kantor") for name, value in PROVEN.items()}
    await office.receive(sender=ANA, Subject=f"Re: [{ticket.number}]", body="Tulisan Ana saja.", **proven)
    _, of_budi = await _open(office, link(office))
    _, of_ana = await _open(office, link(office, ANA))
    for page in (of_budi, of_ana):
        assert "Jawaban kami untuk Anda." in page
        for secret in ("Catatan rahasia", "rina@", "frontline", "L1", "everything else", "payment"):
            assert secret not in page
    assert "Tulisan saya." in of_budi
    assert "Tulisan Ana" not in of_budi
    assert ANA not in of_budi
    assert "Tulisan Ana saja." in of_ana
    assert "Tulisan saya." not in of_ana
    assert BUDI not in of_ana


async def test_a_mail_whose_sender_is_not_verified_is_named_and_not_shown(office: Office) -> None:
    await office.receive(Subject="Anda menang undian", body="Klik https://penipu.example sekarang.")
    _, page = await _open(office, link(office))
    assert "Email ini kami terima" in page
    for forged in ("menang undian", "penipu.example"):
        assert forged not in page


async def test_an_answer_is_shown_once_it_can_not_be_taken_back(tmp_path: Path) -> None:
    box = replace(BOX, undo=timedelta(minutes=2))
    office = open_office(tmp_path, mailboxes={BOX.address: box})
    ticket = await office.receive()
    await act(office, ticket, text="Uangnya sudah kembali.")
    path = link(office)
    assert "Uangnya" not in (await _open(office, path))[1]
    send_all(office)
    assert "Uangnya sudah kembali." in (await _open(office, path))[1]
    office.store.close()


async def test_html_in_texts_and_subjects_is_shown_as_text(office: Office) -> None:
    await office.receive(
        Subject="<script>alert(1)</script>", body="<img src=x onerror=alert(2)> teks", **PROVEN
    )
    _, page = await _open(office, link(office))
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(2)&gt; teks" in page


async def test_the_language_is_the_tickets_and_can_be_changed(office: Office) -> None:
    await office.receive(body="Pesanan saya belum sampai dan saya sudah menunggu lama sekali.")
    assert "Tulis kepada kami" in (await _open(office, link(office)))[1]
    _, page = await _open(office, f"{link(office)}&lang=en")
    assert "Write to us" in page
    assert '<html lang="en">' in page


async def test_no_answer_is_kept_listed_or_marked_by_a_cookie(office: Office) -> None:
    await office.receive()
    async with office.visitor() as visitor:
        answer = await visitor.get(link(office))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in answer.headers["x-robots-tag"]
    assert "set-cookie" not in answer.headers
    assert "<script" not in answer.text


# --- what is sent from it ---------------------------------------------------------------------------------


async def test_a_reply_is_the_customers_message_and_our_turn(office: Office) -> None:
    ticket = await office.receive()
    await act(office, ticket, text="Nomor pesanan Anda berapa?")
    assert office.ticket(ticket.number).turn is Turn.CUSTOMER
    status, location = await _send(office, link(office), "Nomornya INV-2291.\n\nTerima kasih")
    assert (status, location.partition("&sent")[0]) == (303, link(office))
    after = office.ticket(ticket.number)
    assert after.turn is Turn.OURS
    assert _text(office, ticket.number)[-1] == (Direction.IN, "Nomornya INV-2291.\n\nTerima kasih")
    row = office.intake.all(select(messages).where(messages.c.ticket == ticket.number))[-1]
    assert (row.author, row.authentication) == (BUDI, "pass")
    assert "Kami sudah menerima pesan Anda." in (await _open(office, location.partition("#")[0]))[1]


async def test_a_form_that_is_sent_twice_is_one_message_and_an_edited_one_is_another(office: Office) -> None:
    ticket = await office.receive()
    for text in ("Sudah saya kirim.", "Sudah saya kirim.", "Sudah saya kirim kemarin."):
        office.intake.clock += timedelta(seconds=3)
        assert (await _send(office, link(office), text))[0] == 303
    assert [text for _, text in _text(office, ticket.number)][1:] == [
        "Sudah saya kirim.",
        "Sudah saya kirim kemarin.",
    ]


async def test_a_reply_reopens_a_closed_ticket(office: Office) -> None:
    ticket = await office.receive()
    await act(office, ticket, c.Close(), text="Sudah kami kembalikan.")
    assert office.ticket(ticket.number).status is Status.CLOSED
    await _send(office, link(office), "Uangnya belum masuk ke rekening saya.")
    assert office.ticket(ticket.number).status is Status.OPEN


async def test_an_absence_note_written_on_the_page_is_a_persons(office: Office) -> None:
    ticket = await office.receive()
    await _send(office, link(office), "Out of office: I am on leave until Monday, please write by email.")
    kinds = office.intake.all(select(events.c.kind).where(events.c.ticket == ticket.number))
    assert "customer_wrote" in {each.kind for each in kinds}


async def test_photos_come_along_and_go_back_to_their_sender_alone(office: Office) -> None:
    ticket = await office.receive()
    files = [("files", ("bukti.png", PNG, "image/png")), ("files", ("b.pdf", b"%PDF-1.4 x", "text/html"))]
    assert (await _send(office, link(office), "Ini buktinya.", files=files))[0] == 303
    stored = office.intake.all(select(attachments))
    assert [(row.name, row.type) for row in stored] == [
        ("bukti.png", "image/png"),
        ("b.pdf", "application/pdf"),
    ]
    message = office.intake.all(select(messages).where(messages.c.ticket == ticket.number))[-1].id
    path = link(office).replace("?", f"/files/{message}/{stored[0].position}?")
    assert path.replace("&", "&amp;") in (await _open(office, link(office)))[1]
    async with office.visitor() as visitor:
        own = await visitor.get(path)
        foreign = await visitor.get(path.partition("?")[0])
    assert own.content == PNG
    assert own.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in own.headers["content-security-policy"]
    assert foreign.status_code == 404


async def test_the_rating_counts_once_and_its_comment_is_kept(office: Office) -> None:
    ticket = await office.receive()
    await act(office, ticket, c.Close(), text="Sudah kami kembalikan.")
    path = link(office).replace("?", "/rating?")
    assert "Bagaimana bantuan kami?" in (await _open(office, link(office)))[1]
    async with office.visitor() as visitor:
        for score in ("4", "1"):
            form = {"score": score, "comment": "Cepat dan ramah.", "once": score}
            assert (await visitor.client.post(path, data=form)).status_code == 303
            await office.intake.work()
        assert (await visitor.client.post(path, data={"score": "9"})).status_code == 422
    after = office.ticket(ticket.number)
    assert (after.satisfaction, after.status) == (4, Status.CLOSED)
    assert "Bagaimana bantuan kami?" not in (await _open(office, link(office)))[1]


async def test_what_is_sent_is_kept_before_the_page_says_so(office: Office) -> None:
    await office.receive()
    async with office.visitor() as visitor:
        answer = await visitor.client.post(link(office), data={"text": "Halo", "once": "k"})
    assert answer.status_code == 303
    row = office.intake.all(select(inbox).order_by(inbox.c.id))[-1]
    assert (row.state, row.sender) == ("new", BUDI)


async def test_a_reply_is_not_checked_as_if_a_stranger_had_sent_it(tmp_path: Path) -> None:
    office = open_office(tmp_path)
    checked = []

    async def check(envelope: Envelope, raw: bytes, mail: InboundMail) -> InboundMail:
        checked.append(mail.sender)
        return replace(mail, flags=(*mail.flags, "authentication-timeout"))

    office.intake.intake = Intake(office.desk.deps, "n1", check)
    ticket = await office.receive()
    await _send(office, link(office), "Sudah saya kirim.")
    forged = KEYS.posted_address(BOX.address, ticket.number, "<other@x>", BUDI)
    await office.receive(to=forged)
    assert checked == [BUDI, BUDI]
    office.store.close()


async def test_the_page_says_who_has_it_until_when_and_what_is_missing(tmp_path: Path) -> None:
    public = {"id": "tim pembayaran kami", "en": "our payments team"}
    details = {"order_number": Detail("order_number", {"id": "nomor pesanan", "en": "order number"}, None)}
    standing = policy()
    rules = (
        replace(standing.rules[0], then=replace(standing.rules[0].then, ask_for=("order_number",))),
        *standing.rules[1:],
    )
    teams = {**standing.teams, "payments": replace(standing.teams["payments"], public=public)}
    office = open_office(tmp_path, teams=teams, details=details, rules=rules)
    ticket = await office.receive(Subject="saldo terpotong")
    _, page = await _open(office, link(office))
    for words in ("tim pembayaran kami", "nomor pesanan", "paling lambat hari ini pukul 04.00"):
        assert words in page
    office.intake.clock += timedelta(hours=2)
    assert "Kami terlambat." in (await _open(office, link(office)))[1]
    assert "our payments team" in (await _open(office, f"{link(office)}&lang=en"))[1]
    assert ticket.team == "payments"
    office.store.close()


async def test_a_name_that_only_an_unproven_mail_claims_does_not_become_proven(office: Office) -> None:
    ticket = await office.receive(From=f"Pemenang Undian <{BUDI}>")
    await _send(office, link(office), "Saya tidak menulis itu.")
    row = office.intake.all(select(messages).where(messages.c.ticket == ticket.number))[-1]
    assert (row.authentication, row.addresses.get("name", "")) == ("pass", "")


async def test_agents_end_a_link_and_never_see_one(office: Office) -> None:
    ticket = await office.receive()
    path = link(office)
    async with office.visitor(RINA.address) as rina:
        assert f"/tickets/{ticket.number}/links" in (await rina.get(f"/tickets/{ticket.number}")).text
        page = (await rina.get(f"/tickets/{ticket.number}/links")).text
        assert BUDI in page
        assert path.partition("k=")[2] not in page
        await rina.post(f"/tickets/{ticket.number}/links", {"address": "x@lain.example"})
        assert (await _open(office, path))[0] == 200
        answer = await rina.post(f"/tickets/{ticket.number}/links", {"address": BUDI})
        assert "sudah dicabut" in (await rina.get(answer.headers["location"])).text
    assert (await _open(office, path))[0] == 404
