"""A ticket for a customer who called: routed as a mail, silent unless asked, all of it or nothing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from mailbot.domain.actor import Actor
from mailbot.domain.model import Status
from mailbot.domain.reasons import Refusal
from mailbot.operations.acknowledge import AcknowledgeCommand, acknowledge
from mailbot.operations.open_ticket import OpenTicketCommand, open_ticket
from mailbot.store.schema import messages, tickets
from mailbot.store.store import Store
from tests.builders import BAYU, BOX, RINA
from tests.workers.test_intake import Desk

CALLER = "siti@pelanggan.example"


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def opened(desk: Desk, **changes: Any) -> str | Refusal:
    request = OpenTicketCommand(
        CALLER, "Saldo belum kembali", Actor.agent(RINA.address), desk.clock, said="Saldo saya belum kembali."
    )
    return open_ticket(desk.store, desk.runtime, replace(request, **changes))


def ticket(desk: Desk, number: str | Refusal) -> Any:
    return desk.one(select(tickets).where(tickets.c.number == number))


def test_the_rules_route_what_the_customer_said_and_nothing_is_sent_to_the_customer(desk: Desk) -> None:
    found = ticket(desk, opened(desk, name="Siti Rahmawati", note="menelepon dua kali"))

    assert (found.customer, found.team, found.status) == (CALLER, "payments", Status.NEW)
    assert desk.outbox_rows("acknowledgement")[0].state == "suppressed"
    assert desk.outbox_rows("answer") == []
    (notice,) = desk.outbox_rows("team")
    text = str(desk.content(notice).get_body(("plain",)).get_content())
    assert "mencatat apa yang dikatakan pelanggan" in text
    (kept,) = desk.all(select(messages))
    assert (kept.direction, kept.author, kept.visible) == ("in", CALLER, "Saldo saya belum kembali.")


def test_the_customer_gets_the_number_when_asked_at_once_or_later(desk: Desk) -> None:
    opened(desk, acknowledge=True)
    assert [row.state for row in desk.outbox_rows("acknowledgement")] == ["due"]

    later = str(opened(desk, customer="budi@pelanggan.example"))
    command = AcknowledgeCommand(later, Actor.agent(RINA.address), desk.clock)
    assert not isinstance(acknowledge(desk.store, desk.runtime, command), Refusal | None)
    assert [row.state for row in desk.outbox_rows("acknowledgement")] == ["due", "due"]


def test_an_agent_who_writes_first_takes_the_ticket_and_waits_in_the_undo_window(desk: Desk) -> None:
    box = replace(BOX, undo=timedelta(minutes=2))
    desk = Desk(desk.store, mailboxes={BOX.address: box})
    number = opened(desk, said="", answer="Selamat siang, kami menemukan pembayaran Anda.", take=True)

    assert ticket(desk, number).assignee == RINA.address
    (answer,) = desk.outbox_rows("answer")
    assert answer.recipient == CALLER
    assert answer.due_at == desk.clock + box.undo


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"customer": "siti"}, "no_address"),
        ({"customer": BAYU.address}, "staff_is_no_customer"),
        ({"customer": BOX.address}, "staff_is_no_customer"),
        ({"mailbox": "lain@dukungan.example"}, "no_mailbox"),
        ({"subject": " ", "said": " "}, "matter_is_empty"),
        ({"answer": "Halo", "by": Actor.operator("eko")}, "answer_needs_agent"),
    ],
)
def test_what_cannot_be_done_leaves_no_ticket(desk: Desk, changes: dict[str, Any], code: str) -> None:
    refused = opened(desk, **changes)
    assert isinstance(refused, Refusal)
    assert refused.reason.code == code
    assert desk.all(select(tickets)) == []


def test_a_form_that_is_sent_twice_opens_one_ticket(desk: Desk) -> None:
    assert opened(desk, once="k1") == opened(desk, once="k1")
    assert len(desk.all(select(tickets))) == 1
