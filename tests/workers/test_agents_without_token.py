"""Mails of agents that answer no notice: staff are never customers."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from mailbot.domain.model import Role, Status, Ticket
from mailbot.store import queries
from mailbot.store.schema import events, messages
from mailbot.store.store import Store
from tests.builders import BAYU, BOX, RINA
from tests.workers.test_intake import AGENTS_NETWORK, BUDI, KEYS, Desk

FORWARD = (
    "Tolong dibuatkan tiket.\r\n\r\n---------- Forwarded message ---------\r\nFrom: Budi <budi@pelanggan.example>\r\n"
    "Date: Fri, 27 Nov 2026\r\nSubject: Saldo terpotong\r\nTo: rina@tim.example\r\n\r\nSaldo saya terpotong."
)


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


async def from_agent(desk: Desk, peer: str = AGENTS_NETWORK, **mail: str) -> Ticket:
    return await desk.receive(sender=RINA.address, peer=peer, **mail)


def recipients(desk: Desk, kind: str) -> list[str]:
    return [row.recipient for row in desk.outbox_rows(kind)]


def kinds(desk: Desk, ticket: Ticket) -> list[str]:
    query = select(events.c.kind).where(events.c.ticket == ticket.number)
    return [row.kind for row in desk.all(query)]


async def test_a_mail_with_a_number_is_the_agents_answer_there(desk: Desk) -> None:
    first = await desk.receive()
    again = await from_agent(desk, Subject=f"[{first.number}] pesanan", body="Paket Anda kami kirim ulang.")

    assert (again.number, again.status) == (first.number, Status.OPEN)
    (row,) = desk.outbox_rows("answer")
    assert (row.recipient, "kami kirim ulang" in desk.content(row).as_string()) == (BUDI, True)
    assert recipients(desk, "acknowledgement") == [BUDI]


@pytest.mark.parametrize(
    "mail",
    [
        {"body": "#catatan jangan dikirim"},
        {"body": "Internal: jangan dikirim"},
        {"body": "Saya cuti sampai Senin.", "Auto_Submitted": "auto-replied"},
        {"body": FORWARD},
        {"Cc": "bos@tim.example", "body": "Bos, pelanggan ini rewel."},
        {"To": "tono@tim.example", "body": "Ton, pelanggan ini rewel."},
        {"Cc": "asing@lain.example", "body": "Pelanggan ini rewel."},
        {"To": BUDI, "body": "Paket Anda kami kirim ulang."},
    ],
)
async def test_what_may_be_internal_or_was_sent_already_never_goes_out(
    desk: Desk, mail: dict[str, str]
) -> None:
    first = await desk.receive()
    again = await from_agent(desk, Subject=f"[{first.number}] pesanan", **mail)

    assert (again.number, again.status) == (first.number, Status.NEW)
    assert (desk.outbox_rows("answer"), recipients(desk, "acknowledgement")) == ([], [BUDI])
    assert len(desk.all(select(messages).where(messages.c.ticket == first.number))) == 2


@pytest.mark.parametrize("body", ["Sudah kami kirim ulang.", "#selesai"])
async def test_a_colleagues_reply_address_gives_an_agent_nothing(desk: Desk, body: str) -> None:
    first = await desk.receive()
    address = KEYS.reply_address(BOX.address, first.number, BAYU.address)
    again = await from_agent(desk, to=address, Subject=f"Re: Barang [{first.number}]", body=body)

    assert (again.number, again.status) == (first.number, Status.NEW)
    assert desk.outbox_rows("answer") == []


@pytest.mark.parametrize("subject", ["[{number}] pesanan", "Fwd: Saldo terpotong", "Rapat"])
async def test_without_proof_it_is_anybodys_mail_and_no_machine_answers_it(desk: Desk, subject: str) -> None:
    first = await desk.receive()
    subject = subject.format(number=first.number)
    theirs = await from_agent(desk, peer="192.0.2.7", Subject=subject, body=FORWARD)

    assert theirs.number != first.number
    assert theirs.customer == RINA.address
    states = [(row.recipient, row.state) for row in desk.outbox_rows("acknowledgement")]
    assert states == [(BUDI, "due"), (RINA.address, "suppressed")]
    assert (desk.outbox_rows("answer"), desk.outbox_rows("refusal")) == ([], [])


async def test_a_forwarded_mail_opens_the_customers_ticket(desk: Desk) -> None:
    ticket = await from_agent(desk, Subject="Fwd: Saldo terpotong", body=FORWARD)

    assert (ticket.customer, ticket.subject, ticket.team) == (BUDI, "Saldo terpotong", "payments")
    (row,) = desk.outbox_rows("acknowledgement")
    assert (row.state, "rina@tim.example" in row.reason) == ("suppressed", True)
    (message,) = desk.all(select(messages).where(messages.c.ticket == ticket.number))
    assert (message.author, message.authentication, message.visible) == (
        BUDI,
        "none",
        "Saldo saya terpotong.",
    )
    assert kinds(desk, ticket).count("note_added") == 1
    roles = {each.address: each.role for each in desk.store.read_now(queries.participants_of, ticket.number)}
    assert roles == {BUDI: Role.CUSTOMER}
    notice = desk.content(desk.outbox_rows("team")[0]).as_string()
    assert "Saldo saya terpotong" in notice

    theirs = await desk.receive(Subject=f"Re: [{ticket.number}]")
    assert theirs.number == ticket.number


@pytest.mark.parametrize(
    "body", ["Rapat jam 10.", FORWARD.replace(BUDI, BOX.address), FORWARD.replace(BUDI, "bayu@tim.example")]
)
async def test_anything_else_is_filed_and_the_agent_gets_one_help_mail_an_hour(desk: Desk, body: str) -> None:
    filed = [await from_agent(desk, Subject="Fwd: Rapat", body=body) for _ in range(3)]
    assert {ticket.status for ticket in filed} == {Status.FILED}
    (row,) = desk.outbox_rows("agent_help")
    assert row.recipient == RINA.address
    text = desk.content(row).get_body(("plain",)).get_content()
    assert "Fwd: Rapat" in text
    assert filed[0].number in text
    assert (desk.outbox_rows("team"), {row.state for row in desk.outbox_rows("acknowledgement")}) == (
        [],
        {"suppressed"},
    )

    desk.clock += timedelta(hours=2)
    await from_agent(desk, Subject="Rapat", body=body)
    assert len(desk.outbox_rows("agent_help")) == 2


async def test_an_agents_absence_note_about_nothing_gets_no_help_mail(desk: Desk) -> None:
    ticket = await from_agent(desk, Subject="Out of office", body="I am away.", Auto_Submitted="auto-replied")
    assert (ticket.status, desk.outbox_rows("agent_help")) == (Status.FILED, [])
