"""Tickets of an absent agent are handed over once, with one mail to each new owner."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from mailbot.domain.policy import Team
from mailbot.store.store import Store
from mailbot.store.tickets import load
from mailbot.workers.day.absences import Absences
from tests.builders import DEWI, RINA, SARI
from tests.workers.test_intake import Desk

TINO = replace(RINA, name="Tino", address="tino@tim.example")


def with_absence(desk: Desk, *, away: bool) -> None:
    days = frozenset([desk.clock.date()]) if away else frozenset()
    teams = {
        "frontline": Team("frontline", "always", (replace(RINA, away=days), TINO) if away else (RINA,)),
        "payments": Team("payments", "always", (DEWI,)),
        "management": Team("management", "always", (SARI,)),
    }
    templates = desk.runtime.snapshot.composer.templates
    desk.runtime.replace(replace(desk.runtime.policy, teams=teams), templates)


async def handed(store: Store, count: int) -> tuple[Desk, list[str]]:
    desk = Desk(store)
    with_absence(desk, away=False)
    numbers = [(await desk.receive(Subject=f"Hal {place}")).number for place in range(count)]
    with_absence(desk, away=True)
    desk.clock += timedelta(minutes=5)
    await asyncio.gather(*(Absences(desk.deps).run_once() for _ in range(2)))
    await Absences(desk.deps).run_once()
    return desk, numbers


def newest(desk: Desk, kind: str, recipient: str) -> list[Any]:
    return [row for row in desk.outbox_rows(kind) if row.recipient == recipient]


async def test_several_tickets_come_in_one_mail_with_the_customers_words(store: Store) -> None:
    desk, numbers = await handed(store, 3)
    tickets = store.read_now(load, numbers)
    assert {ticket.assignee for ticket in tickets.values()} == {TINO.address}
    (mail,) = newest(desk, "worklist", TINO.address)
    text = str(desk.content(mail).get_body(("plain",)).get_content())
    assert all(number in text for number in numbers)
    assert "Rina tidak masuk sampai Selasa, 24 November, pukul 00.00 UTC" in text
    assert "Pesanan saya belum sampai" in text
    assert newest(desk, "team", TINO.address) == []
    assert [row.recipient for row in desk.outbox_rows("progress")] == []


async def test_a_single_ticket_comes_as_its_own_notice(store: Store) -> None:
    desk, (number,) = await handed(store, 1)
    (notice,) = newest(desk, "team", TINO.address)
    assert (notice.ticket, notice.why) == (number, "assigned")
    assert newest(desk, "worklist", TINO.address) == []


async def test_nothing_moves_back_when_the_agent_returns(store: Store) -> None:
    desk, numbers = await handed(store, 2)
    desk.clock += timedelta(days=1)
    await Absences(desk.deps).run_once()
    tickets = store.read_now(load, numbers)
    assert {ticket.assignee for ticket in tickets.values()} == {TINO.address}
