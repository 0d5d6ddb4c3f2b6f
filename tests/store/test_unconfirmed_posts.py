"""Messages that wait for their sender: taken once, in time, by the form's own link."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from mailbot.domain.web_forms.confirmation import WAITS
from mailbot.store.console import unconfirmed_posts
from mailbot.store.console.unconfirmed_posts import UnconfirmedPost
from mailbot.store.store import Store
from tests.builders import NOW

POST = UnconfirmedPost(
    "digest",
    "mark",
    "siti@pelanggan.example",
    "kontak",
    "siti@pelanggan.example",
    ("a@b.example",),
    b"raw",
    NOW,
    NOW + WAITS,
)


def add(store: Store) -> None:
    def operation(connection: Connection, items: list[UnconfirmedPost]) -> list[None]:
        return [unconfirmed_posts.add(connection, item) for item in items]

    store.write_now(operation, POST)


def take(store: Store, digest: str = "digest", form: str = "kontak", after: timedelta = timedelta()) -> bool:
    def operation(connection: Connection, items: list[str]) -> list[UnconfirmedPost | None]:
        return [unconfirmed_posts.take(connection, item, form, NOW + after) for item in items]

    return store.write_now(operation, digest) is not None


def test_a_message_is_taken_once_even_by_many_at_a_time(store: Store) -> None:
    add(store)
    found = store.read_now(unconfirmed_posts.find, "digest", "kontak", NOW)
    assert found == replace(POST, recipients=["a@b.example"])
    with ThreadPoolExecutor(4) as threads:
        taken = list(threads.map(lambda _: take(store), range(8)))
    assert sorted(taken) == [False] * 7 + [True]
    assert store.read_now(unconfirmed_posts.count, NOW) == 0


@pytest.mark.parametrize(
    ("digest", "form", "after"),
    [
        ("other", "kontak", timedelta()),
        ("digest", "retur", timedelta()),
        ("digest", "kontak", WAITS),
    ],
)
def test_other_links_take_nothing(store: Store, digest: str, form: str, after: timedelta) -> None:
    add(store)
    assert not take(store, digest, form, after)
    assert store.read_now(unconfirmed_posts.count, NOW) == 1


def test_what_nobody_confirms_is_removed(store: Store) -> None:
    def forget(connection: Connection, items: list[timedelta]) -> list[int]:
        return [unconfirmed_posts.remove_expired(connection, NOW + each) for each in items]

    add(store)
    assert [each.size for each in store.read_now(unconfirmed_posts.list_waiting, NOW, 10)] == [3]
    assert store.write_now(forget, WAITS - timedelta(seconds=1)) == 0
    assert store.write_now(forget, WAITS) == 1
