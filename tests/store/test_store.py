"""The store itself: group commit, the effect of one bad item on others, and the errors it raises."""

import asyncio
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from mailbot.errors import StoreFull, StoreUnavailable
from mailbot.store.schema import installation, metadata
from mailbot.store.store import Store

groups: list[int] = []


def put(connection: Connection, items: Sequence[str]) -> list[str]:
    groups.append(len(items))
    connection.execute(insert(installation), [{"key": item, "value": "x"} for item in items])
    return [item.upper() for item in items]


def slow(connection: Connection, items: Sequence[threading.Event]) -> list[None]:
    for item in items:
        item.wait(10)
    return [None] * len(items)


def count(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(installation)) or 0


async def test_what_waits_is_committed_together_and_each_caller_gets_its_own_result(store: Store) -> None:
    if not store.sqlite:
        pytest.skip("several writers take their shares")
    gate = threading.Event()
    busy = asyncio.create_task(store.write(slow, gate))
    await asyncio.sleep(0.05)
    groups.clear()
    writes = [asyncio.create_task(store.write(put, f"k{n}")) for n in range(20)]
    await asyncio.sleep(0.05)
    gate.set()

    assert await asyncio.gather(*writes) == [f"K{n}" for n in range(20)]
    await busy
    assert groups == [20]
    assert await store.read(count) == 20


async def test_one_bad_item_fails_its_own_caller_only(store: Store) -> None:
    await store.write(put, "same")
    results = await asyncio.gather(
        *(store.write(put, key) for key in ("a", "same", "b")), return_exceptions=True
    )

    assert (results[0], results[2]) == ("A", "B")
    assert isinstance(results[1], Exception)
    assert await store.read(count) == 3


async def test_work_goes_on_for_a_caller_that_went_away(store: Store) -> None:
    task = asyncio.create_task(store.write(put, "k"))
    await asyncio.sleep(0)
    task.cancel()
    await store.write(put, "later")

    assert await store.read(count) == 2


async def test_closing_finishes_what_was_asked_for(store_url: str) -> None:
    store = Store(store_url)
    metadata.create_all(store.engine)
    writes = [asyncio.create_task(store.write(put, f"k{n}")) for n in range(50)]
    await asyncio.sleep(0)
    await asyncio.to_thread(store.close)

    assert len(await asyncio.gather(*writes)) == 50


def test_a_full_database_is_reported_as_full(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/full.db")
    metadata.create_all(store.engine)
    with store.engine.begin() as connection:
        pages = connection.scalar(text("PRAGMA page_count"))
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))
        with pytest.raises(Exception, match="full"):  # noqa: PT012
            for n in range(1000):
                put(connection, [f"{n}" * 8])
    store.close()


def test_a_locked_database_raises_store_unavailable(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/locked.db")
    metadata.create_all(store.engine)
    other = Store(f"sqlite:///{tmp_path}/locked.db?timeout=0.05")
    with store.engine.begin() as connection:
        put(connection, ["held"])
        with pytest.raises(StoreUnavailable, match="locked"):
            other.write_now(put, "k")
    store.close()
    other.close()


def test_a_new_connection_reads_while_another_process_holds_the_lock(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/mailbot.db?timeout=0"
    store = Store(url)
    metadata.create_all(store.engine)
    with store.engine.begin():
        beside = Store(url)
        assert beside.read_now(count) == 0
        beside.close()
    store.close()


def test_an_unreachable_database_raises_store_unavailable() -> None:
    store = Store("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable):
        store.read_now(count)
    store.close()


def test_a_full_store_is_also_an_unavailable_one() -> None:
    assert issubclass(StoreFull, StoreUnavailable)


def test_postgresql_without_its_driver_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(StoreUnavailable, match=r"needs the package psycopg: pip install '\.\[postgres\]'"):
        Store("postgresql://127.0.0.1/mailbot")


def test_an_error_of_the_database_never_quotes_a_row(store: Store) -> None:
    private = {"key": "k" * 32, "value": "kata pelanggan yang rahasia"}

    def put_twice(connection: Connection, items: Sequence[None]) -> list[None]:
        connection.execute(insert(installation), [private])
        connection.execute(text("CREATE UNIQUE INDEX one ON installation (value)"))
        connection.execute(insert(installation), [{**private, "key": "other"}])
        return [None for _ in items]

    with pytest.raises(IntegrityError, match=r"installation|one") as refused:
        store.write_now(put_twice, None)
    shown = "".join(traceback.format_exception(refused.value))
    assert "rahasia" not in shown
