"""Rules that ask for the customer's history, from kept mail to recorded tickets."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from mailbot.domain.model import CustomerHistory
from mailbot.domain.policy import Actions, Rule
from mailbot.domain.routing import conditions
from mailbot.store.codec import event_of
from mailbot.store.schema import events
from mailbot.store.store import Store
from tests.workers.test_intake import BUDI, Desk

ELSE = Rule("everything else", None, Actions(team="frontline"))
MANY = Rule("many", conditions.build("open_tickets", "over", 1), Actions(team="payments"))
KNOWN = Rule("known", conditions.build("known_customer", "is", value=True), Actions(team="frontline"))


def histories(desk: Desk) -> list[tuple[str, CustomerHistory]]:
    """List (rule, customer history) of all that was routed, in order."""
    with desk.store.engine.connect() as connection:
        rows = connection.execute(select(events).where(events.c.kind == "ticket_routed")).all()
    found: list[Any] = [event_of(row.kind, row.at, row.by, row.data) for row in rows]
    order = {number: place for place, number in enumerate(dict.fromkeys(row.ticket for row in rows))}
    assert len(order) == len(rows)
    return sorted(
        ((each.rule, each.customer_history) for each in found), key=lambda pair: pair[1].open_tickets
    )


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_mails_of_one_batch_know_of_each_other(store: Store) -> None:
    desk = Desk(store, rules=(MANY, KNOWN, ELSE))
    for _ in range(3):
        await desk.keep()
    await desk.keep(sender="siti@pelanggan.example")
    await desk.work()

    found = histories(desk)
    assert sorted(rule for rule, _ in found) == ["everything else", "everything else", "known", "many"]
    assert [each.open_tickets for _, each in found] == [0, 0, 1, 2]
    assert all(each.looked_up for _, each in found)
    desk.clock += timedelta(hours=1)
    assert (await desk.receive()).rule == "many"


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("rules", "asked"), [((ELSE,), 0), ((MANY, KNOWN, ELSE), 1)])
async def test_only_where_a_rule_asks_there_is_one_statement_a_batch(
    store: Store, rules: tuple[Rule, ...], asked: int
) -> None:
    desk = Desk(store, rules=rules)
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    for sender in (BUDI, "siti@pelanggan.example", BUDI):
        await desk.keep(sender=sender)
    await desk.work()

    assert len([each for each in seen if "ticket_escalated" in each or "sum(CASE" in each]) == asked
    assert len(histories(desk)) == 3


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_history_that_no_rule_needs_is_not_recorded(store: Store) -> None:
    desk = Desk(store)
    await desk.receive()
    [(_, customer_history)] = histories(desk)
    assert customer_history == CustomerHistory()


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_other_tickets_are_asked_for_only_where_the_rules_have_not_seen_that_there_are_none(
    store: Store,
) -> None:
    desk = Desk(store, rules=(MANY, KNOWN, ELSE))
    asked: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    first = await desk.receive()
    assert not [each for each in asked if "row_number()" in each]
    await desk.receive(Subject="Lain lagi")
    newest = desk.content(desk.outbox_rows("team")[-1]).get_body(("plain",)).get_content()
    assert f"{first.number} Barang" in newest
