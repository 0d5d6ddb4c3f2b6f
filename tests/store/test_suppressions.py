"""Mutes: while they hold, and when their time has passed."""

from datetime import timedelta

from mailbot.domain.replies.undeliverable import Suppression
from mailbot.store import suppressions
from mailbot.store.store import Store
from tests.builders import NOW

DAY = timedelta(days=1)


def suppression(address: str, kind: str = "bounce", until: timedelta | None = DAY) -> Suppression:
    return Suppression(address, kind, "5.1.1", NOW, NOW + until if until else None)


def put(store: Store, *found: Suppression) -> None:
    with store.engine.begin() as connection:
        suppressions.add(connection, found)


def held(store: Store, after: timedelta) -> set[str]:
    return set(store.read_now(suppressions.load, ["a@x", "b@x"], NOW + after))


def test_a_suppression_holds_until_its_time_and_is_then_removed(store: Store) -> None:
    put(store, suppression("a@x"), suppression("b@x", until=None))

    assert held(store, DAY / 2) == {"a@x", "b@x"}
    assert held(store, DAY * 2) == {"b@x"}
    with store.engine.begin() as connection:
        assert suppressions.remove_expired(connection, NOW + DAY * 2) == 1
        assert suppressions.remove_expired(connection, NOW + DAY * 2) == 0
    assert held(store, DAY / 2) == {"b@x"}


def test_a_complaint_is_not_replaced_by_a_bounce(store: Store) -> None:
    put(store, suppression("a@x", "complaint", None))
    put(store, suppression("a@x"))

    assert held(store, DAY * 9) == {"a@x"}
