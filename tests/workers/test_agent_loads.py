"""Turns and loads from the real store: exact on one node, roughly even on several, no statement a mail."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event

from mailbot.domain import commands as c
from mailbot.domain.assignment import Load
from mailbot.domain.commands.carry_out import on_command
from mailbot.domain.decisions import on_mail
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Agent, Policy, Team
from mailbot.store import tickets
from mailbot.store.agents.loads import load
from mailbot.store.store import Store
from mailbot.store.tickets import TicketChange
from mailbot.workers.agent_loads import FRESH, AgentLoads
from tests.builders import BOX, EKO, NOW, RINA, envelope, facts, mail, policy
from tests.workers.test_intake import Desk

NAMES = ("ana", "budi", "citra")
PEOPLE = tuple(Agent(name, f"{name}@tim.example", "L1") for name in NAMES)


def standing(assign: str) -> Policy:
    teams = {"frontline": Team("frontline", "always", PEOPLE, assign)}
    return policy(teams=teams | {"payments": Team("payments", "always", (RINA,))})


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


def desk_with_loads(store: Store, assign: str, clock: list[float]) -> Desk:
    return Desk(store, loads=AgentLoads(lambda: clock[0]), teams=standing(assign).teams)


def given(store: Store) -> list[str]:
    """List the agent of each ticket, in the order in which the tickets were opened."""
    rows = store.read_now(
        lambda connection: list(
            connection.exec_driver_sql(
                "SELECT t.assignee FROM tickets t JOIN inbox i ON i.ticket = t.number ORDER BY i.id"
            )
        )
    )
    return [row[0].partition("@")[0] for row in rows]


async def test_round_robin_is_exact_within_a_batch_and_over_batches(store: Store, clock: list[float]) -> None:
    desk = desk_with_loads(store, "round_robin", clock)
    for size in (4, 1, 5, 2):
        for n in range(size):
            await desk.keep(sender=f"p{size}{n}@pelanggan.example")
        await desk.work()
        clock[0] += FRESH + 1  # the loads are read again before each batch

    assert given(store) == [NAMES[n % 3] for n in range(12)]


async def test_least_load_counts_what_this_node_assigned_a_moment_ago(
    store: Store, clock: list[float]
) -> None:
    desk = desk_with_loads(store, "least_load", clock)
    for n in range(9):
        await desk.keep(sender=f"p{n}@pelanggan.example")
    await desk.work()

    assert Counter(given(store)) == {"ana": 3, "budi": 3, "citra": 3}


async def test_two_nodes_share_roughly_evenly(store: Store, clock: list[float]) -> None:
    nodes = [desk_with_loads(store, "least_load", clock) for _ in range(2)]
    for round_ in range(6):
        for number, node in enumerate(nodes):
            node._kept = round_ * 100 + number * 10
            for n in range(3):
                await node.keep(sender=f"p{round_}{number}{n}@pelanggan.example")
            await node.work()
        clock[0] += FRESH + 1

    counts = Counter(given(store))
    assert sum(counts.values()) == 36
    assert max(counts.values()) - min(counts.values()) <= 3


async def test_the_store_is_asked_once_in_a_while_however_much_mail_comes(
    store: Store, clock: list[float]
) -> None:
    desk = desk_with_loads(store, "least_load", clock)
    statements: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    for _ in range(6):
        await desk.receive()
    reads = [each for each in statements if "max(tickets.assigned_at)" in each]
    clock[0] += FRESH + 1
    await desk.receive()

    assert len(reads) == 1
    assert len([each for each in statements if "max(tickets.assigned_at)" in each]) == 2


def opened(assignee: str, at: datetime, number: str) -> Decision:
    made = on_mail(None, mail(), envelope(), facts(number=number), standing("spread"), at).decision
    assigned = on_command(made.ticket, c.Assign(assignee), EKO, standing("spread"), at)
    assert isinstance(assigned, Decision)
    return Decision(assigned.ticket, (*made.events, *assigned.events))


def record(store: Store, decision: Decision, before: Ticket | None = None) -> None:
    outcome = TicketChange(before, decision.ticket, decision.events, "v1", None)
    store.write_now(lambda connection, items: [tickets.record(connection, items)], outcome)


def test_the_store_knows_the_open_tickets_of_each_agent_and_the_last_assignment(store: Store) -> None:
    hour = timedelta(hours=1)
    for number, (name, at) in enumerate((("ana", NOW), ("ana", NOW + hour), ("budi", NOW + 2 * hour))):
        record(store, opened(f"{name}@tim.example", at, f"{BOX.prefix}-0000000{number}-0"))
    last = opened("budi@tim.example", NOW + 3 * hour, f"{BOX.prefix}-00000009-0")
    record(store, last)
    closed = on_command(last.ticket, c.Close(), EKO, standing("spread"), NOW + 4 * hour)
    assert isinstance(closed, Decision)
    record(store, closed, last.ticket)

    found = store.read_now(load, [agent.address for agent in PEOPLE])
    assert found == {
        "ana@tim.example": Load(2, NOW + hour),
        "budi@tim.example": Load(1, NOW + 3 * hour),
        "citra@tim.example": Load(0, None),
    }


def test_wrong_loads_are_corrected_by_the_next_read(store: Store, clock: list[float]) -> None:
    loads, by = AgentLoads(lambda: clock[0]), standing("least_load")
    store.read_now(loads.refresh, by)
    never_written = opened("ana@tim.example", NOW, f"{BOX.prefix}-00000001-0").ticket
    loads.add(None, never_written)
    assert loads.loads["ana@tim.example"] == Load(1, NOW)

    store.read_now(loads.refresh, by)
    assert loads.loads["ana@tim.example"].in_hand == 1
    clock[0] += FRESH + 1
    store.read_now(loads.refresh, by)
    assert loads.loads["ana@tim.example"] == Load(0, NOW)


def test_a_reassigned_or_closed_ticket_leaves_the_agents_load(store: Store, clock: list[float]) -> None:
    loads, by = AgentLoads(lambda: clock[0]), standing("least_load")
    store.read_now(loads.refresh, by)
    ticket = opened("ana@tim.example", NOW, f"{BOX.prefix}-00000001-0").ticket
    loads.add(None, ticket)
    passed = on_command(ticket, c.Assign("budi@tim.example"), EKO, by, NOW + timedelta(hours=1))
    assert isinstance(passed, Decision)
    loads.add(ticket, passed.ticket)
    assert [loads.loads[agent.address].in_hand for agent in PEOPLE] == [0, 1, 0]

    closed = on_command(passed.ticket, c.Close(), EKO, by, NOW + timedelta(hours=2))
    assert isinstance(closed, Decision)
    loads.add(passed.ticket, closed.ticket)
    assert [loads.loads[agent.address].in_hand for agent in PEOPLE] == [0, 0, 0]
    assert loads.loads["budi@tim.example"].last_at == NOW + timedelta(hours=1)


def test_a_policy_without_load_balancing_reads_no_loads(store: Store, clock: list[float]) -> None:
    loads = AgentLoads(lambda: clock[0])
    statements: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    store.read_now(loads.refresh, standing("spread"))
    loads.add(None, opened("ana@tim.example", NOW, f"{BOX.prefix}-00000001-0").ticket)

    assert (statements, loads.loads) == ([], {})
