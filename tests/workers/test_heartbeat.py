"""Which node takes which for dead."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from mailbot.errors import StoreUnavailable
from mailbot.store.schema import nodes as nodes_table
from mailbot.store.service import nodes
from mailbot.store.store import Store
from mailbot.workers.heartbeat import Heartbeat
from tests.shaky_store import ShakyStore
from tests.store.test_inbox import node


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def let_silence(store: Store, name: str) -> None:
    with store.engine.begin() as connection:
        old = nodes.database_time(connection) - timedelta(minutes=2)
        connection.execute(update(nodes_table).where(nodes_table.c.id == name).values(seen_at=old))


def known(store: Store) -> set[str]:
    return set(store.read_now(lambda c: c.scalars(select(nodes_table.c.id)).all()))


async def beat(heartbeat: Heartbeat, clock: Clock, seconds: float) -> None:
    for _ in range(int(seconds // 10)):
        await heartbeat.run_once()
        clock.now += 10


async def test_a_node_that_has_beaten_for_a_while_takes_a_silent_one_for_dead(store: Store) -> None:
    clock = Clock()
    heartbeat = Heartbeat(store, lambda: node("us"), lambda: None, monotonic=clock)
    store.write_now(nodes.register, node("silent"))
    let_silence(store, "silent")
    await beat(heartbeat, clock, 30)
    assert known(store) == {"us", "silent"}
    await beat(heartbeat, clock, 10)
    assert known(store) == {"us"}


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_after_a_trouble_that_all_met_nobody_is_taken_for_dead_at_once(store: Store) -> None:
    clock = Clock()
    heartbeat = Heartbeat(store, lambda: node("us"), lambda: None, monotonic=clock)
    store.write_now(nodes.register, node("other"))
    await beat(heartbeat, clock, 60)

    heartbeat._store = ShakyStore(store, "record_heartbeat")  # type: ignore[assignment]
    with pytest.raises(StoreUnavailable):
        await heartbeat.run_once()
    clock.now += 110
    let_silence(store, "other")  # it met the same trouble
    await beat(heartbeat, clock, 20)
    assert known(store) == {"us", "other"}
