"""Web forms: filled in, confirmed by mail, and then a ticket like any other."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from mailbot.store.schema import attachments, messages, outbox, tickets
from mailbot.store.tickets import load
from tests.console.attacks import ADMIN
from tests.console.customers import PNG
from tests.console.form_desk import (
    MESSAGE,
    SITI,
    Customer,
    confirmations,
    form_office,
    kept,
    link_of,
    press,
    waiting,
)
from tests.console.office import Office

BOTH = {"Accept-Language": "en"}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with form_office(tmp_path) as office:
        yield office


async def _intake(office: Office) -> None:
    await office.intake.intake.run_once()


async def test_a_message_comes_in_only_after_its_sender_pressed_the_button(office: Office) -> None:
    sent = await Customer(office).send(name="Siti Aminah", f_pesanan="INV-204815", f_perihal="retur")
    assert sent.status_code == 303
    assert "Satu langkah lagi" in (await Customer(office).get(sent.headers["location"])).text
    assert (len(waiting(office)), kept(office)) == (1, [])
    (asked,) = office.intake.all(select(outbox))
    assert (asked.kind, asked.recipient) == ("confirm_form", SITI)
    opened = await Customer(office).get(link_of(office))
    assert "Ya, kirim pesan saya" in opened.text
    assert len(waiting(office)) == 1  # to open the link uses nothing up
    assert "Kami sudah menerima" in (await press(office, link_of(office))).text
    assert waiting(office) == []
    await _intake(office)
    (row,) = office.intake.all(select(tickets))
    ticket = office.store.read_now(load, [row.number])[row.number]
    assert (ticket.customer, ticket.channel, ticket.proven) == (SITI, "form", True)
    assert dict(ticket.details) == {"order": "INV-204815"}
    assert "return" in ticket.tags
    (message,) = office.intake.all(
        select(messages.c.text, messages.c.subject).where(messages.c.direction == "in")
    )
    assert message.text.startswith("Nomor pesanan: INV-204815\nPerihal: Retur barang\n\nBarang saya rusak")
    assert message.subject.startswith("Hubungi kami: Barang saya rusak")
    acknowledged = office.intake.all(select(outbox.c.kind).where(outbox.c.recipient == SITI))
    assert [each.kind for each in acknowledged] == ["confirm_form", "acknowledgement"]


async def test_the_mail_that_confirms_holds_no_word_of_the_sender(office: Office) -> None:
    await Customer(office).send(
        name="BELI SEKARANG", message="Kunjungi https://spam.example", f_pesanan="INV-204815"
    )
    mail = office.intake.content(confirmations(office)[0])
    text = str(mail) + "".join(
        part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"
    )
    for word in ("BELI", "spam.example", "204815"):
        assert word not in text


async def test_a_form_that_is_sent_twice_is_one_message(office: Office) -> None:
    customer = Customer(office)
    key = await customer.key()
    answers = [await customer.send(key=key) for _ in range(3)]
    assert {answer.headers["location"] for answer in answers} == {answers[0].headers["location"]}
    assert (len(waiting(office)), len(confirmations(office))) == (1, 1)


async def test_a_form_that_was_changed_after_it_was_sent_asks_once_more(office: Office) -> None:
    customer = Customer(office)
    key = await customer.key()
    await customer.send(key=key)
    again = await customer.send(key=key, message="Yang lain")
    assert again.status_code == 422
    assert "sudah terkirim dengan isi yang lain" in again.text
    assert "Yang lain" in again.text
    assert key not in again.text
    assert len(waiting(office)) == 1


async def test_pressing_twice_is_one_ticket(office: Office) -> None:
    await Customer(office).send()
    link = link_of(office)
    answers = [await press(office, link) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.text for answer in answers} == {answers[0].text}
    assert len(kept(office)) == 1
    assert "Kami sudah menerima" in (await Customer(office).get(link)).text


async def test_a_link_ends_after_three_days(office: Office) -> None:
    await Customer(office).send()
    office.intake.clock += timedelta(days=3)
    assert (await press(office, link_of(office))).status_code == 404
    assert kept(office) == []


async def test_clocks_run_from_the_confirmation(office: Office) -> None:
    await Customer(office).send()
    office.intake.clock += timedelta(days=2)
    await press(office, link_of(office))
    assert kept(office)[0].received_at == office.intake.clock


async def test_without_confirmation_the_message_comes_in_at_once_and_unproven(office: Office) -> None:
    sent = await Customer(office, "cepat").send()
    assert "Kami sudah menerima" in (await Customer(office, "cepat").get(sent.headers["location"])).text
    assert (waiting(office), confirmations(office)) == ([], [])
    await _intake(office)
    (row,) = office.intake.all(select(tickets))
    ticket = office.store.read_now(load, [row.number])[row.number]
    assert (ticket.customer, ticket.channel, ticket.proven) == (SITI, "form", False)


async def test_files_come_along(office: Office) -> None:
    files = [("files", ("rusak.png", PNG, "image/png"))]
    assert (await Customer(office).send(files=files)).status_code == 303
    await press(office, link_of(office))
    await _intake(office)
    (row,) = office.intake.all(select(attachments.c.name, attachments.c.type))
    assert (row.name, row.type) == ("rusak.png", "image/png")


async def test_what_is_wrong_is_shown_with_all_that_was_typed(office: Office) -> None:
    fields = {"name": "Siti", "f_pesanan": "204815", "f_perihal": "apa saja", "f_tanggal": "besok"}
    answer = await Customer(office).send(address="siti@", **fields)
    assert answer.status_code == 422
    for name in ("address", "f.pesanan", "f.perihal", "f.tanggal"):
        assert f'id="fault-{name}"' in answer.text
    for typed in ("Siti", "204815", MESSAGE):
        assert typed in answer.text
    assert waiting(office) == []


async def test_a_faulty_form_may_be_sent_again_at_once(office: Office) -> None:
    customer = Customer(office)
    key = await customer.key()
    answer = await customer.send(key=key, message="")
    assert key in answer.text
    assert (await customer.send(key=key)).status_code == 303


async def test_the_page_is_in_the_language_that_was_chosen(office: Office) -> None:
    page = await Customer(office).get(**BOTH)
    assert "Order number" in page.text
    assert "Nomor pesanan" in (await Customer(office, query="?lang=id").get(**BOTH)).text
    sent = await Customer(office, query="?lang=en").send(f_perihal="retur")
    assert "lang=en" in sent.headers["location"]
    mail = office.intake.content(confirmations(office)[0])
    assert mail["Subject"].startswith("Confirm your email address")
    assert "lang=en" in link_of(office)


async def test_there_is_no_form_of_another_name(office: Office) -> None:
    for path in ("/forms/lain", "/forms/lain/confirm?key=x", "/forms/"):
        assert (await Customer(office).get(path)).status_code == 404


async def test_admins_see_what_waits_and_none_of_its_text(office: Office) -> None:
    await Customer(office).send()
    policy = replace(office.desk.policy, admins=(ADMIN,))
    office.intake.runtime.replace(policy, office.intake.runtime.snapshot.composer.templates)
    async with office.visitor(ADMIN) as visitor:
        page = (await visitor.get("/admin/unconfirmed")).text
    assert SITI in page
    assert "rusak" not in page
