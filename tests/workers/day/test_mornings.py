"""The plan of the day comes once, on a work day, when there is something to say."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from mailbot.domain.policy import Agent, Team
from mailbot.domain.worktime import ALL_DAY, Calendar
from mailbot.store.schema import tickets
from mailbot.store.store import Store
from mailbot.workers.day.mornings import Mornings
from tests.builders import DEWI, RINA, SARI
from tests.workers.test_intake import Desk

HOUR = timedelta(hours=1)
WEEKDAYS = Calendar("always", "UTC", ((ALL_DAY,),) * 5 + ((),) * 2)


EARLY = replace(RINA, morning=4 * HOUR)


def desk_of(store: Store, agent: Agent = EARLY, **changes: Any) -> Desk:
    teams = {
        "frontline": Team("frontline", "always", (agent,)),
        "payments": Team("payments", "always", (DEWI,)),
        "management": Team("management", "always", (SARI,)),
    }
    return Desk(store, teams=teams, **changes)  # its clock: a Monday, 03:00 UTC


async def mornings(desk: Desk, hours: float = 0) -> list[Any]:
    desk.clock += hours * HOUR
    await asyncio.gather(*(Mornings(desk.deps).run_once() for _ in range(2)))
    return desk.outbox_rows("worklist")


async def test_each_agent_gets_the_plan_once_a_day_from_whichever_node_is_first(store: Store) -> None:
    desk = desk_of(store)
    ticket = await desk.receive()
    assert await mornings(desk) == []  # it is not 04:00 yet
    (mail,) = await mornings(desk, 1)
    content = desk.content(mail)
    assert (mail.recipient, mail.ticket) == (RINA.address, "")
    assert ticket.number in str(content.get_body(("plain",)).get_content())
    assert "[" not in content["Subject"]
    assert content["Message-ID"] == mail.message_id
    assert len(await mornings(desk, 1)) == 1
    assert len(await mornings(desk, 23)) == 2


@pytest.mark.parametrize(
    ("agent", "changes", "hours"),
    [
        (RINA, {}, 1),  # no such mail wanted
        (replace(EARLY, away=frozenset([date(2026, 11, 23)])), {}, 1),
        (EARLY, {}, 5),  # the daemon was down all morning
        (EARLY, {"calendars": {"always": WEEKDAYS}}, 5 * 24 + 1),  # a Saturday
    ],
)
async def test_no_plan_comes_when_the_agent_does_not_work(
    store: Store, agent: Agent, changes: Any, hours: float
) -> None:
    desk = desk_of(store, agent, **changes)
    await desk.receive()
    assert await mornings(desk, hours) == []


async def test_a_day_without_anything_to_say_has_no_mail(store: Store) -> None:
    desk = desk_of(store)
    assert await mornings(desk, 1) == []


async def test_the_plan_has_what_is_late_promised_waited_for_and_snoozed(store: Store) -> None:
    desk = desk_of(store)
    numbers = [(await desk.receive(Subject=name)).number for name in ("late", "wait", "back", "other")]
    desk.clock += HOUR
    day = desk.clock
    await store.write(_set, (numbers[1], {"turn": "customer", "status": "waiting", "turn_until": day}))
    snoozed = {"turn": "customer", "status": "waiting", "snoozed_until": day + HOUR}
    await store.write(_set, (numbers[2], snoozed))
    await store.write(_set, (numbers[3], {"turn": "customer", "status": "waiting"}))
    today = (await desk.receive(Subject="today")).number
    (mail,) = await mornings(desk, 0.5)
    text = str(desk.content(mail).get_body(("plain",)).get_content())
    order = [text.index(number) for number in (numbers[0], today, numbers[1], numbers[2])]
    assert order == sorted(order)
    assert numbers[3] not in text


def _set(connection: Any, items: Any) -> list[None]:
    for number, values in items:
        connection.execute(tickets.update().where(tickets.c.number == number).values(**values))
    return [None] * len(items)
