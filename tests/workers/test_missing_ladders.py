"""Ladders of policies that are no longer, or not yet, in force here: in the store and in the workers."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mailbot.domain import events as e
from mailbot.domain.ladder import next_deadline
from mailbot.domain.model import Target
from mailbot.domain.policy import Moment, Step
from mailbot.domain.worktime import Interval
from mailbot.operations.reapply_policy import Change, Reapply, changes, reapply
from mailbot.store import ladders, tickets
from mailbot.store.store import Store
from mailbot.workers.deadlines import Deadlines
from tests.builders import BAYU, EKO, NOW, STANDARD, policy
from tests.workers.test_intake import TEMPLATES, Desk

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
RICH = replace(
    STANDARD,
    name="rich",
    quiet=(Interval(21 * HOUR, 24 * HOUR), Interval(timedelta(), 7 * HOUR)),
    steps=(
        Step(Moment(Target.FIRST_RESPONSE, 1 / 3, -MINUTE), escalate_by_category={"b": "L2", "a/c": "L1"}),
        Step(Moment(Target.RESOLUTION), ask_decision="L2", question="Refund?", options=("yes", "no")),
    ),
)
SOONER = replace(
    STANDARD,
    steps=(Step(Moment(Target.FIRST_RESPONSE, 0.1), notify=("bos@luar.example",)), *STANDARD.steps),
)


def test_a_ladder_comes_back_as_it_was_kept(store: Store) -> None:
    by = policy(ladders={"standard": STANDARD, "rich": RICH})
    for _ in range(2):
        store.write_now(ladders.save, by)

    assert store.read_now(ladders.load) == by.ladders_by_digest
    assert {each.digest for each in store.read_now(ladders.load).values()} == set(by.digests.values())


async def test_a_node_with_another_policy_takes_the_steps_of_the_ladder_that_the_ticket_was_given(
    store: Store,
) -> None:
    desk = Desk(store, ladders={"standard": SOONER})
    store.write_now(ladders.save, desk.runtime.policy)
    ticket = await desk.receive()
    desk.clock += 31 * MINUTE
    behind = Desk(store)  # has not been reloaded yet
    worker = Deadlines(replace(desk.deps, runtime=behind.runtime))
    await worker.run_once()

    recorded = store.read_now(tickets.events_of, ticket.number)
    taken = [each.event for each in recorded if isinstance(each.event, e.StepTaken)]
    assert [(each.step, str(each.reason)) for each in taken] == [
        (0, "first response is due"),
        (1, "first response is due"),
    ]


async def test_open_tickets_are_listed_first_and_then_decided_again_with_what_was_listed(
    store: Store,
) -> None:
    desk = Desk(store)
    store.write_now(ladders.save, desk.runtime.policy)
    ticket = await desk.receive()
    done = await desk.receive(Subject="Lain")
    assert ticket.number != done.number
    later = policy(ladders={"standard": SOONER}, past_ladders=store.read_now(ladders.load))
    desk.runtime.replace(later, TEMPLATES)
    now = NOW + 10 * MINUTE
    found, last, looked = store.read_now(changes, "", later, now)

    assert (looked, last) == (2, max(ticket.number, done.number))
    mine = next(each for each in found if each.number == ticket.number)
    old, new = STANDARD.digest, SOONER.digest
    due = NOW + 30 * MINUTE
    at_once = NOW + 6 * MINUTE
    assert mine == Change(ticket.number, f"standard@{old}", f"standard@{new}", False, due, at_once)
    assert reapply(store, desk.runtime, Reapply((ticket.number,), EKO, now)) == 1
    again = store.read_now(tickets.load, [ticket.number])[ticket.number]
    armed = next_deadline(again, later)
    assert armed
    assert (again.ladder_digest, armed.due_at) == (new, at_once)
    assert store.read_now(ladders.count_open_by_ladder) == sorted(
        [("standard", old, 1), ("standard", new, 1)]
    )
    assert [each.number for each in store.read_now(changes, "", later, now)[0]] == [done.number]
    assert BAYU.address in later.agents


async def test_many_due_steps_are_taken_a_part_in_each_transaction(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailbot.workers.deadlines.TOGETHER", 2)
    desk = Desk(store)
    numbers = {(await desk.receive(Subject=f"Mail {n}")).number for n in range(5)}
    assert len(numbers) == 5
    desk.clock += 31 * MINUTE
    worker = Deadlines(desk.deps)
    parts: list[int] = []
    record = worker._record_batch
    monkeypatch.setattr(worker, "_record_batch", lambda c, due: parts.append(len(due)) or record(c, due))
    await worker.run_once()

    assert parts == [2, 2, 1]
    for number in numbers:
        recorded = store.read_now(tickets.events_of, number)
        assert any(isinstance(each.event, e.StepTaken) for each in recorded)
