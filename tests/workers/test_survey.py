"""The survey from the closing word to the rating: taps, replies, and whoever else tries."""

import re
from dataclasses import replace
from datetime import timedelta
from email.utils import parseaddr
from html import unescape
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from mailbot.domain.commands import Close
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.commands.grammar import Act
from mailbot.domain.model import Status, Ticket
from mailbot.domain.policy import Cause
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store import queries, tickets
from mailbot.store.store import Store
from tests.builders import BAYU, BOX, OPERATOR, RINA
from tests.workers.test_intake import AGENTS_NETWORK, BUDI, KEYS, Desk, tag

ASING = "asing@lain.example"


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


async def closed(desk: Desk, **mail: str) -> Ticket:
    """Receive a mail, answer it, close its ticket."""
    ticket = await desk.receive(**mail)
    await desk.receive(
        sender=RINA.address, to=tag(ticket.number), peer=AGENTS_NETWORK, body="Barang sudah dikirim ulang."
    )
    desk.clock += timedelta(hours=1)
    close(desk, ticket)
    return now(desk, ticket)


def close(desk: Desk, ticket: Ticket) -> None:
    request = TicketCommand(ticket.number, Act((Close(),)), OPERATOR, desk.clock)
    assert isinstance(run_command(desk.store, desk.runtime, request), Acted)


def now(desk: Desk, ticket: Ticket) -> Ticket:
    return desk.store.read_now(tickets.load, [ticket.number])[ticket.number]


def words(desk: Desk) -> Any:
    """Return the newest closing word."""
    return desk.content(desk.outbox_rows("closing")[-1])


def links(mail: Any) -> list[tuple[str, dict[str, list[str]]]]:
    """Return address and header fields of each link of the survey."""
    found = re.findall('href="(mailto:[^"]+)"', mail.get_body(("html",)).get_content())
    parts = [urlsplit(unescape(link)) for link in found]
    return [(unquote(part.path), parse_qs(part.query)) for part in parts]


async def tap(desk: Desk, score: int, sender: str = BUDI, more: str = "", **mail: str) -> Ticket:
    """Send the mail that a mail program opens at a tap."""
    address, fields = links(words(desk))[score - 1]
    given = {"Subject": fields["subject"][0], "body": fields["body"][0] + more} | mail
    return await desk.receive(sender=sender, to=given.pop("to", address), **given)


def kinds(desk: Desk, ticket: Ticket) -> list[str]:
    return [entry.event.kind for entry in desk.store.read_now(queries.events_of, ticket.number)]


async def test_a_tap_rates_the_ticket_and_leads_to_nothing_else(desk: Desk) -> None:
    ticket = await closed(desk)
    sent = len(desk.outbox_rows("acknowledgement")), len(desk.outbox_rows("team"))
    rated = await tap(desk, 5)

    assert (rated.number, rated.status, rated.satisfaction) == (ticket.number, Status.CLOSED, 5)
    assert (len(desk.outbox_rows("acknowledgement")), len(desk.outbox_rows("team"))) == sent
    assert len(links(words(desk))) == 5
    assert all(parseaddr(address)[1] == address for address, _ in links(words(desk)))


@pytest.mark.parametrize(
    "text",
    [
        "5",
        "5/5",
        "bintang 5",
        "lima",
        "5\r\n\r\nDikirim dari iPhone saya",
        "5\r\n\r\n-- \r\nBudi, Jl. Mawar 3",
    ],
)
async def test_a_reply_with_the_number_is_a_rating_and_no_reopening(desk: Desk, text: str) -> None:
    ticket = await closed(desk)
    quoted = "".join(f"> {line}\r\n" for line in words(desk).get_body(("plain",)).get_content().splitlines())
    rated = await desk.receive(
        body=f"{text}\r\n\r\nPada Senin, 23 November 2026, TokoDompet <{BOX.address}> menulis:\r\n{quoted}",
        In_Reply_To=words(desk)["Message-ID"],
        Subject=f"Re: {words(desk)['Subject']}",
    )

    assert (rated.number, rated.status, rated.satisfaction) == (ticket.number, Status.CLOSED, 5)


@pytest.mark.parametrize(
    "text", ["10", "0", "2 hari lagi saya tunggu", "1. Uang belum kembali\r\n2. Barang rusak"]
)
async def test_a_reply_that_is_no_rating_is_the_customers_and_reopens(desk: Desk, text: str) -> None:
    await closed(desk)
    written = await desk.receive(
        body=text, In_Reply_To=words(desk)["Message-ID"], Subject=f"Re: {words(desk)['Subject']}"
    )

    assert (written.status, written.satisfaction) == (Status.OPEN, None)


async def test_a_number_in_reply_to_another_mail_is_an_ordinary_message(desk: Desk) -> None:
    await closed(desk)
    answer = desk.content(desk.outbox_rows("answer")[0])
    written = await desk.receive(
        body="2", In_Reply_To=answer["Message-ID"], Subject=f"Re: {answer['Subject']}"
    )

    assert (written.status, written.satisfaction) == (Status.OPEN, None)


async def test_a_low_rating_with_a_request_is_recorded_reopens_and_is_read_above(desk: Desk) -> None:
    ticket = await closed(desk)
    rated = await tap(desk, 2, more=", uang saya belum kembali")

    assert (rated.status, rated.satisfaction) == (Status.OPEN, 2)
    notices = {row.recipient: row.why for row in desk.outbox_rows("team")[-2:]}
    assert notices == {BAYU.address: "low_score", RINA.address: "customer_wrote"}
    (above,) = [row for row in desk.outbox_rows("team") if row.recipient == BAYU.address]
    assert "uang saya belum kembali" in str(desk.content(above).get_body(("plain",)).get_content())
    assert now(desk, ticket).reopened == 1


async def test_a_low_rating_alone_is_read_above_once(desk: Desk) -> None:
    ticket = await closed(desk)
    for _ in range(3):
        await tap(desk, 1)

    assert [row.recipient for row in desk.outbox_rows("team") if row.why == "low_score"] == [BAYU.address]
    assert now(desk, ticket).status is Status.CLOSED


async def test_a_comment_of_a_satisfied_customer_reaches_the_owner_without_reopening(desk: Desk) -> None:
    ticket = await closed(desk)
    await tap(desk, 5, more=", semoga toko ini makin besar")

    row = desk.outbox_rows("team")[-1]
    assert (row.recipient, row.why, now(desk, ticket).status) == (RINA.address, "notify", Status.CLOSED)


async def test_the_newest_rating_counts_and_the_same_mail_again_changes_nothing(desk: Desk) -> None:
    ticket = await closed(desk)
    await tap(desk, 5, Message_ID="<first@x.example>")
    await tap(desk, 2)
    again = await tap(desk, 5, Message_ID="<first@x.example>")

    assert (again.number, again.satisfaction) == (ticket.number, 2)


async def test_a_key_of_another_customer_a_guess_and_a_copy_to_others_rate_nothing(desk: Desk) -> None:
    ticket = await closed(desk)
    own = links(words(desk))[0][0]
    theirs = await closed(desk, sender=ASING, Message_ID="<theirs@x.example>")
    guess = own.replace(own.partition(ticket.number.lower() + ".")[2][:26], "a" * 26)
    token = KEYS.reply_address(BOX.address, ticket.number, BUDI).replace("+t.", "+s.")
    assert KEYS.surveyed(own) == ticket.number

    forged = [
        await desk.receive(sender=ASING, to=own, body="1", Subject=f"Penilaian {ticket.number}"),
        await desk.receive(sender=BUDI, to=guess, body="1", Subject="Penilaian"),
        await desk.receive(sender=BUDI, to=token, body="1", Subject="Penilaian"),
        await desk.receive(
            sender=BUDI,
            body="1",
            Subject="Penilaian",
            to=KEYS.survey_address(BOX.address, theirs.number),
        ),
    ]
    assert now(desk, ticket).satisfaction is None
    assert now(desk, theirs).satisfaction is None
    assert all(each.satisfaction is None for each in forged)


async def test_a_sender_who_failed_authentication_rates_nothing(desk: Desk) -> None:
    ticket = await closed(desk)
    await tap(desk, 1, Authentication_Results="mx.dukungan.example; dmarc=fail header.from=pelanggan.example")

    assert now(desk, ticket).satisfaction is None


async def test_who_takes_part_no_more_rates_nothing(desk: Desk) -> None:
    ticket = await closed(desk)
    address, _ = links(words(desk))[0]
    with desk.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE participants SET role = 'removed'")
    await desk.receive(to=address, body="1", Subject="Penilaian")

    assert now(desk, ticket).satisfaction is None


async def test_a_spelling_of_the_same_box_rates_as_well(store: Store) -> None:
    desk = Desk(store)
    await closed(desk, sender="budi.santoso@gmail.com")
    rated = await tap(desk, 4, sender="budisantoso+toko@gmail.com")

    assert rated.satisfaction == 4


async def test_a_customer_whose_answers_go_to_reply_to_rates_from_either_address(desk: Desk) -> None:
    await closed(desk, Reply_To="budi@kantor.pelanggan.example")
    assert desk.outbox_rows("closing")[-1].recipient == "budi@kantor.pelanggan.example"

    assert (await tap(desk, 4)).satisfaction == 4
    assert (await tap(desk, 5, sender="budi@kantor.pelanggan.example")).satisfaction == 5


PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WITH_PICTURE = (
    "--b\r\nContent-Type: text/plain\r\n\r\n5\r\n\r\n{}\r\n--b\r\nContent-Type: image/png; name=logo.png\r\n{}"
    f"Content-Transfer-Encoding: base64\r\n\r\n{PICTURE}\r\n--b--"
)
INLINE = "Content-ID: <logo1>\r\nContent-Disposition: inline; filename=logo.png\r\n"


@pytest.mark.parametrize(
    ("text", "header", "rating"),
    [
        ("[cid:logo1]", INLINE, 5),
        ("", "Content-Disposition: attachment; filename=bukti.png\r\n", None),
    ],
)
async def test_the_logo_of_a_signature_is_no_content_and_a_file_is(
    desk: Desk, text: str, header: str, rating: int | None
) -> None:
    ticket = await closed(desk)
    await tap(desk, 5, body=WITH_PICTURE.format(text, header), Content_Type="multipart/related; boundary=b")

    assert now(desk, ticket).satisfaction == rating
    assert (now(desk, ticket).status is Status.CLOSED) is (rating is not None)


async def test_a_rating_after_the_window_counts_and_opens_nothing(desk: Desk) -> None:
    ticket = await closed(desk)
    desk.clock += BOX.reopen_within + timedelta(days=1)
    rated = await tap(desk, 4)

    assert (rated.number, rated.satisfaction, rated.status) == (ticket.number, 4, Status.CLOSED)


async def test_a_rating_of_a_merged_ticket_is_an_ordinary_mail(desk: Desk) -> None:
    from mailbot.domain.commands import Merge
    from tests.operations.test_merge_split import do

    ticket = await closed(desk)
    into = await desk.receive(Subject="Lain", Message_ID="<other@x.example>")
    do(desk, ticket.number, Merge(into.number))
    written = await tap(desk, 5)

    assert (written.number, written.satisfaction) == (into.number, None)


async def test_without_a_survey_there_is_no_link(store: Store) -> None:
    desk = Desk(store, mailboxes={BOX.address: replace(BOX, survey=False)})
    await closed(desk)

    assert links(words(desk)) == []


async def test_who_closes_by_mail_without_a_cause_reads_which_fit_and_names_one_by_mail(store: Store) -> None:
    causes = {
        "bank-delay": Cause("bank-delay", "payment"),
        "app-fault": Cause("app-fault"),
        "spam": Cause("spam", silent=True),
    }
    desk = Desk(store, causes=causes)
    ticket = await desk.receive()
    for body in ("#selesai\r\n\r\nSudah beres.", "#penyebab APP FAULT"):
        await desk.receive(sender=RINA.address, to=tag(ticket.number), peer=AGENTS_NETWORK, body=body)

    first, second = (
        str(desk.content(row).get_body(("plain",)).get_content()) for row in desk.outbox_rows("receipt")
    )
    assert "penyebab tidak disebut; yang cocok: app-fault" in first
    assert "spam" not in first
    assert "penyebab: App-fault" in second
    assert now(desk, ticket).cause == "app-fault"
