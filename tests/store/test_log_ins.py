"""Log-ins under way: used once, in time, by the browser that asked."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from mailbot.store.console import log_ins
from mailbot.store.console.log_ins import ANY_BROWSER, LASTS, LogIn
from mailbot.store.store import Store
from tests.builders import NOW, RINA

LINK = LogIn("digest", "browser", RINA.address, "/tickets", NOW + LASTS)


def use(
    store: Store, digest: str = "digest", browser: str = "browser", after: timedelta = timedelta()
) -> bool:
    def operation(connection: Connection, items: list[str]) -> list[LogIn | None]:
        return [log_ins.use(connection, item, browser, NOW + after) for item in items]

    return store.write_now(operation, digest) is not None


def test_a_log_in_is_used_once_even_by_many_at_a_time(store: Store) -> None:
    store.write_now(log_ins.add, LINK)
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _: use(store), range(8)))
    assert sorted(done) == [False] * 7 + [True]
    found = store.read_now(log_ins.find, "digest")
    assert found == replace(LINK, used_at=NOW)


@pytest.mark.parametrize(
    ("kept_for", "browser", "after", "works"),
    [
        ("browser", "browser", LASTS - timedelta(seconds=1), True),
        ("browser", "browser", LASTS, False),
        ("browser", "another", timedelta(), False),
        ("browser", "", timedelta(), False),
        (ANY_BROWSER, "another", timedelta(), True),
        (ANY_BROWSER, "another", LASTS, False),
    ],
)
def test_a_log_in_is_for_its_browser_and_its_time(
    store: Store, kept_for: str, browser: str, after: timedelta, *, works: bool
) -> None:
    store.write_now(log_ins.add, replace(LINK, browser=kept_for))
    assert use(store, browser=browser, after=after) is works
    assert not use(store, digest="guess", browser=browser)
