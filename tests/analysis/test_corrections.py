"""Tickets as people settled them, read from the store."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, delete

from mailbot.analysis.corrections import SettledTicket, read_outcomes, settled_tickets
from mailbot.domain import commands as c
from mailbot.domain.actor import Actor
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.commands.grammar import Act
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store.schema import raw_mails
from mailbot.store.store import Store
from tests.builders import BOX, RINA
from tests.workers.test_intake import Desk

FRAUD = c.Correct(category="fraud")


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store, mailboxes={BOX.address: replace(BOX, undo=timedelta(minutes=2))})


def do(desk: Desk, number: str, *commands: c.AnyCommand) -> None:
    command = TicketCommand(number, Act(commands), Actor.agent(RINA.address), desk.clock)
    assert isinstance(run_command(desk.store, desk.runtime, command), Acted)


def read(desk: Desk, days: int = 1) -> list[SettledTicket]:
    return list(settled_tickets(desk.store, desk.clock - timedelta(days=days)))


async def test_each_ticket_comes_with_its_mail_and_what_people_settled_on(desk: Desk) -> None:
    first = await desk.receive(Subject="Saldo terpotong", body="Saldo saya pindah sendiri.")
    desk.clock += timedelta(minutes=1)
    second = await desk.receive(Subject="Barang")
    do(desk, first.number, FRAUD, c.HandOver("frontline"))
    do(desk, second.number, c.Close())

    corrected, closed = read(desk)

    assert corrected.case.mail.visible.strip() == "Saldo saya pindah sendiri."
    assert corrected.routed.rule == "payment"
    assert corrected.corrected == {"category": "fraud", "team": "frontline"}
    assert not corrected.is_closed
    assert (closed.number, closed.corrected, closed.is_closed) == (second.number, {}, True)


async def test_a_correction_that_was_undone_counts_for_nothing(desk: Desk) -> None:
    ticket = await desk.receive(Subject="Saldo terpotong")
    do(desk, ticket.number, FRAUD)
    do(desk, ticket.number, c.Undo())

    assert [each.corrected for each in read(desk)] == [{}]


async def test_tickets_that_were_split_off_or_lost_their_mail_are_left_out(desk: Desk) -> None:
    await desk.receive(Subject="Saldo terpotong")
    kept = await desk.receive(Subject="Barang")

    def erase(connection: Connection, _items: object) -> list[None]:
        connection.execute(delete(raw_mails).where(raw_mails.c.inbox_id == 1))
        return [None]

    desk.store.write_now(erase, None)

    assert [each.number for each in read(desk)] == [kept.number]


async def test_only_tickets_since_then_are_read(desk: Desk) -> None:
    await desk.receive(Subject="Saldo terpotong")
    desk.clock += timedelta(days=10)
    newer = await desk.receive(Subject="Barang")

    assert [each.number for each in read(desk, days=5)] == [newer.number]
    assert len(read(desk, days=15)) == 2


async def test_the_corrected_tickets_can_be_read_alone_and_without_their_mail(desk: Desk) -> None:
    await desk.receive(Subject="Saldo terpotong")
    corrected = await desk.receive(Subject="Barang")
    do(desk, corrected.number, FRAUD)
    set_back = await desk.receive(Subject="Kurir")
    do(desk, set_back.number, FRAUD)
    do(desk, set_back.number, c.Correct(category="general"))

    found = read_outcomes(desk.store, desk.clock - timedelta(days=1), corrected=True)

    assert {number: each.settled.category for number, each in found.items()} == {corrected.number: "fraud"}
