"""One-tap links: from the notice that holds them to what the mail does that they open."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from mailbot.domain.model import Status, Turn
from mailbot.store.store import Store
from tests.builders import BAYU, BOX, RINA
from tests.workers.test_command_mails import command, last_message, text_of
from tests.workers.test_intake import AGENTS_NETWORK, BUDI, Desk


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def links(desk: Desk, row: Any) -> dict[str, str]:
    """Return label -> address of the one-tap links of a notice."""
    html = desk.content(row).get_body(("html",)).get_content()
    found = re.findall(r'<a class="button[^"]*" href="([^"]+)"[^>]*>([^<]+)</a>', html)
    return {label: unescape(link) for link, label in found}


def address(link: str) -> str:
    return unquote(urlsplit(link).path)


async def tap(desk: Desk, link: str, sender: str = RINA.address, **mail: str) -> None:
    """Send the mail that the link opens, as a mail program does."""
    asked = parse_qs(urlsplit(link).query)
    mail = {"body": asked["body"][0], "Subject": asked["subject"][0], "peer": AGENTS_NETWORK, **mail}
    await desk.receive(sender=sender, to=address(link), **mail)


async def notice_for_rina(desk: Desk) -> tuple[str, dict[str, str]]:
    ticket = await desk.receive()
    row = next(row for row in desk.outbox_rows("team") if row.recipient == RINA.address)
    return ticket.number, links(desk, row)


async def test_a_notice_offers_the_usual_verbs_as_links_and_as_words(desk: Desk) -> None:
    _, found = await notice_for_rina(desk)
    text = text_of(desk, desk.outbox_rows("team")[0])

    assert list(found) == ["Catatan", "Tunggu pelanggan", "Selesai"]  # it is hers already
    assert all(len(address(link).partition("@")[0]) <= 64 for link in found.values())
    assert all("+" not in link for link in found.values())  # some programs read it as a space
    assert "#selesai" in text
    assert "mailto:" not in text


@pytest.mark.parametrize("body", ["", "Kirim email ini apa adanya.", "#selesai\r\nrahasia", "rahasia kita"])
async def test_a_tap_does_what_its_key_says_whatever_the_mail_holds(desk: Desk, body: str) -> None:
    _, found = await notice_for_rina(desk)
    await tap(desk, found["Tunggu pelanggan"], body=body)

    assert desk.ticket_of(2).turn is Turn.CUSTOMER
    assert desk.outbox_rows("answer") == desk.outbox_rows("closing") == []
    assert last_message(desk).direction == "note"
    assert len(desk.outbox_rows("receipt")) == 1


async def test_a_second_tap_finds_it_done(desk: Desk) -> None:
    _, found = await notice_for_rina(desk)
    await tap(desk, found["Selesai"])
    await tap(desk, found["Selesai"], Message_ID="<second@x.example>")

    assert desk.ticket_of(2).status is Status.CLOSED
    assert "sudah dipakai" in text_of(desk, desk.outbox_rows("receipt")[1])
    assert len(desk.outbox_rows("closing")) == 1


async def test_two_links_of_one_notice_each_work_once(desk: Desk) -> None:
    _, found = await notice_for_rina(desk)
    await tap(desk, found["Tunggu pelanggan"])
    await tap(desk, found["Selesai"])

    assert desk.ticket_of(3).status is Status.CLOSED


async def test_a_link_ends_after_two_weeks(desk: Desk) -> None:
    _, found = await notice_for_rina(desk)
    desk.clock += timedelta(days=14, seconds=1)
    await tap(desk, found["Selesai"])

    assert desk.ticket_of(2).status is not Status.CLOSED
    assert "lebih lama dari 14 hari" in text_of(desk, desk.outbox_rows("receipt")[0])


async def test_the_note_link_opens_a_reply_that_is_a_note(desk: Desk) -> None:
    _, found = await notice_for_rina(desk)
    await tap(desk, found["Catatan"], body="#catatan\r\n\r\nPelanggan ini sering menipu.")

    assert last_message(desk).visible == "Pelanggan ini sering menipu."
    assert desk.outbox_rows("answer") == []


@pytest.mark.parametrize(
    "mail",
    [
        {"sender": BAYU.address},  # a notice that was forwarded to a colleague
        {"sender": BUDI, "peer": "192.0.2.7"},
        {"peer": "192.0.2.7"},  # in her name, without proof
        {"sender": BAYU.address, "body": "Jawaban untuk pelanggan."},
    ],
)
async def test_nobody_else_acts_by_a_link(desk: Desk, mail: dict[str, str]) -> None:
    _, found = await notice_for_rina(desk)
    await tap(desk, found["Selesai"], **mail)

    assert desk.ticket_of(1).status is not Status.CLOSED
    assert desk.outbox_rows("answer") == desk.outbox_rows("closing") == []


async def test_a_changed_address_does_nothing_and_is_no_answer(desk: Desk) -> None:
    number, found = await notice_for_rina(desk)
    waiting, closing = address(found["Tunggu pelanggan"]), address(found["Selesai"])
    for forged in (
        waiting.replace("+a.w.", "+a.c."),
        closing.replace("+a.c.", "+a.t."),
        closing[:20] + closing[21:],
    ):
        await desk.receive(
            sender=RINA.address,
            to=forged,
            peer=AGENTS_NETWORK,
            Subject=f"Re: Barang [{number}]",
            body="Beres.",
        )

    assert desk.ticket_of(1).status is Status.NEW
    assert desk.outbox_rows("answer") == []


async def test_the_receipt_holds_a_link_that_takes_the_act_back(store: Store) -> None:
    desk = Desk(store, mailboxes={BOX.address: replace(BOX, undo=timedelta(minutes=2))})
    number = (await desk.receive()).number
    await command(desk, number, "#selesai\n\nSudah beres.")
    (receipt,) = desk.outbox_rows("receipt")
    await tap(desk, links(desk, receipt)["Batalkan"])

    assert desk.ticket_of(1).status is not Status.CLOSED
    assert [row.state for row in desk.outbox_rows("closing")] == ["suppressed"]
