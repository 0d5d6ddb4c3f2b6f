"""Stored mail routed again gives what was recorded, wherever its messages are now."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, delete, update

from mailbot.analysis import opening_mails
from mailbot.analysis.replay import Replayed, replay, stored_cases
from mailbot.domain import commands as c
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Actions, Policy, Rule
from mailbot.domain.reasons import Refusal
from mailbot.domain.routing import conditions
from mailbot.operations.merge_split import MergeCommand, join
from mailbot.store.schema import events, raw_mails
from mailbot.store.store import Store
from tests.builders import BOX, EKO, policy
from tests.workers.test_intake import Desk

LAST = Rule("everything else", None, Actions(team="frontline"))
LAST_ALONE = policy(version="v2", rules=(LAST,))
ASING = "asing@lain.example"


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def replayed(desk: Desk, old: Policy | None, new: Policy, days: int = 30) -> Replayed:
    numbers = desk.store.read_now(opening_mails.numbers_since, desk.clock - timedelta(days=days))
    found = Replayed()
    for case in stored_cases(desk.store, numbers, [each for each in (old, new) if each]):
        replay(case, old, new, found)
    return found


def unchanged(desk: Desk, mails: int) -> None:
    """Check that the policy in force routes so many mails as recorded."""
    live = desk.runtime.policy
    for old in (None, live):
        found = replayed(desk, old, live)
        assert (found.same, found.changes, found.drifted) == (mails, [], [])


def do(desk: Desk, number: str, command: c.Join) -> None:
    changes = join(desk.store, desk.runtime, MergeCommand(number, command, EKO, desk.clock))
    assert changes is not None
    assert not isinstance(changes, Refusal), changes


async def two(desk: Desk) -> tuple[Ticket, Ticket]:
    return await desk.receive(Subject="Saldo terpotong"), await desk.receive(Subject="Barang")


async def test_the_policy_in_force_routes_as_recorded(desk: Desk) -> None:
    first, _ = await two(desk)
    await desk.receive(Subject=f"Re: {first.number}")  # opens nothing
    await desk.receive(Subject="Laporan", Auto_Submitted="auto-replied")
    await desk.receive(sender="", Subject="Saldo", return_path="")

    unchanged(desk, 4)


async def test_another_policy_changes_the_mail_that_its_rules_match(desk: Desk) -> None:
    moved, _ = await two(desk)

    found = replayed(desk, desk.runtime.policy, LAST_ALONE)

    assert found.same == 1
    assert [(each.name, each.old_rule, each.new_rule) for each in found.changes] == [
        (moved.number, "payment", "everything else")
    ]


async def test_a_mail_belongs_to_the_ticket_that_it_opened_wherever_it_was_moved(desk: Desk) -> None:
    first, second = await two(desk)
    await desk.receive(Subject=f"Re: {first.number}")
    do(desk, "", c.MoveMessage(1, second.number))

    unchanged(desk, 2)
    assert [each.name for each in replayed(desk, None, LAST_ALONE).changes] == [first.number]


async def test_merged_and_reopened_and_held_tickets_count_as_they_were_opened(store: Store) -> None:
    desk = Desk(
        store, mailboxes={BOX.address: BOX.__class__(BOX.address, BOX.brand, BOX.prefix, strangers="hold")}
    )
    first, second = await two(desk)
    await desk.receive(sender=ASING, Subject=f"Saldo, Re: {first.number}")  # held
    do(desk, second.number, c.Merge(first.number))

    unchanged(desk, 3)


async def test_a_ticket_that_was_split_off_was_routed_by_no_rule(desk: Desk) -> None:
    first = await desk.receive(Subject="Saldo terpotong")
    await desk.receive(Subject=f"Re: {first.number}")
    do(desk, first.number, c.Split((2,)))

    assert len(desk.store.read_now(opening_mails.numbers_since, desk.clock - timedelta(days=1))) == 2
    unchanged(desk, 1)


async def test_a_mail_whose_bytes_are_gone_is_left_out(desk: Desk) -> None:
    await two(desk)

    def erase(connection: Connection, _items: object) -> list[None]:
        connection.execute(delete(raw_mails).where(raw_mails.c.inbox_id == 1))
        return [None]

    desk.store.write_now(erase, None)

    unchanged(desk, 1)


async def test_only_mail_since_then_counts(desk: Desk) -> None:
    await two(desk)
    desk.clock += timedelta(days=10)
    await desk.receive(Subject="Kurir")

    assert replayed(desk, None, desk.runtime.policy, days=5).same == 1
    assert replayed(desk, None, desk.runtime.policy, days=15).same == 3


async def test_the_customer_history_is_that_of_the_recorded_routing(store: Store) -> None:
    known = Rule("comes often", conditions.build("known_customer", "is", True), Actions(team="payments"))
    desk = Desk(store, rules=(known, LAST))
    await two(desk)
    desk.clock += timedelta(hours=1)
    await desk.receive(Subject="Kurir")

    unchanged(desk, 3)


async def test_history_that_no_rule_used_is_read_from_the_events(desk: Desk) -> None:
    first, _ = await two(desk)
    desk.clock += timedelta(hours=1)
    third = await desk.receive(Subject="Kurir")
    known = Rule("comes often", conditions.build("known_customer", "is", True), Actions(team="payments"))
    asking = policy(version="v2", rules=(known, *policy().rules))

    changes = replayed(desk, desk.runtime.policy, asking).changes

    assert first.number not in {each.name for each in changes}
    assert third.number in {each.name for each in changes}


async def test_a_record_that_the_same_policy_would_not_make_today_is_reported(desk: Desk) -> None:
    ticket, _ = await two(desk)

    def spoil(connection: Connection, _items: object) -> list[None]:
        where = (events.c.ticket == ticket.number, events.c.seq == 2)
        data = dict(connection.execute(events.select().where(*where)).one().data)
        connection.execute(update(events).where(*where).values(data=data | {"team": "frontline"}))
        return [None]

    desk.store.write_now(spoil, None)

    found = replayed(desk, desk.runtime.policy, desk.runtime.policy)

    assert [each.name for each in found.drifted] == [ticket.number]
    assert found.changes == []
