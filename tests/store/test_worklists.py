"""Worklists read the live tickets of an agent or team, by index."""

from sqlalchemy import text

from mailbot.store.lists import worklists
from mailbot.store.schema import tickets
from mailbot.store.store import Store
from tests.workers.test_intake import Desk


async def test_a_worklist_has_the_live_tickets_of_an_agent_or_team(store: Store) -> None:
    desk = Desk(store)
    first = await desk.receive()
    other = await desk.receive(Subject="Saldo terpotong")
    assert (first.team, other.team) == ("frontline", "payments")
    assert first.assignee
    await store.write(_close, other.number)

    def numbers(**asked: str) -> list[str]:
        return [ticket.number for ticket in store.read_now(lambda c: worklists.live_tickets(c, **asked))]

    assert numbers(agent=first.assignee) == numbers(team="frontline") == numbers() == [first.number]
    assert numbers(team="payments") == numbers(agent=first.assignee, team="payments") == []


def _close(connection, numbers):  # type: ignore[no-untyped-def]
    for number in numbers:
        connection.execute(tickets.update().where(tickets.c.number == number).values(status="closed"))
    return [None] * len(numbers)


def test_an_agents_worklist_is_found_by_its_index(store: Store) -> None:
    if not store.sqlite:
        return  # PostgreSQL reads a small table as a whole
    condition = f"SELECT * FROM tickets WHERE assignee = 'a' AND {worklists.LIVE.text}"
    plan = store.read_now(lambda c: c.execute(text(f"EXPLAIN QUERY PLAN {condition}")).all())
    assert any("ix_tickets_live" in row.detail for row in plan)
