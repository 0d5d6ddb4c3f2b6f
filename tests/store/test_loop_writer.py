"""Quick work on the event loop: grouped, never waiting for a lock, COMMIT on a thread where that is slow."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from mailbot.store import migrate
from mailbot.store.database import loop_writer
from mailbot.store.store import Store

threads: list[int] = []


def note(connection: Connection, items: Sequence[str]) -> list[int]:
    """Write each item, and note the thread that did it."""
    threads.append(threading.get_ident())
    if "bad" in items:
        raise ValueError("bad")
    for item in items:
        connection.execute(text("INSERT INTO notes (word) VALUES (:word)"), {"word": item})
    return [len(items)] * len(items)


@pytest.fixture
def sqlite(tmp_path: Path) -> Any:
    threads.clear()
    migrate.upgrade(f"sqlite:///{tmp_path}/m.db")
    opened = Store(f"sqlite:///{tmp_path}/m.db")
    opened.write_now(lambda c, _: [c.execute(text("CREATE TABLE notes (word TEXT)"))], None)
    yield opened
    opened.close()


def words(store: Store) -> list[str]:
    return store.read_now(lambda c: list(c.scalars(text("SELECT word FROM notes ORDER BY rowid"))))


async def test_what_waits_at_a_turn_is_committed_together_on_the_loop(sqlite: Store) -> None:
    sizes = await asyncio.gather(*(sqlite.write(note, word, quick=True) for word in "abc"))
    assert sizes == [3, 3, 3]
    assert threads == [threading.get_ident()]
    assert words(sqlite) == ["a", "b", "c"]


async def test_a_bad_item_fails_its_own_caller_only(sqlite: Store) -> None:
    jobs = [sqlite.write(note, word, quick=True) for word in ("a", "bad", "c")]
    one, two, three = await asyncio.gather(*jobs, return_exceptions=True)
    assert (one, three) == (1, 1)
    assert isinstance(two, ValueError)
    assert sorted(words(sqlite)) == ["a", "c"]


async def test_the_loop_goes_on_while_another_process_writes(sqlite: Store, tmp_path: Path) -> None:
    await sqlite.write(note, "first", quick=True)
    other = sqlite3.connect(tmp_path / "m.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(sqlite.write(note, "second", quick=True))
    for _ in range(20):
        await asyncio.sleep(0.005)
    assert not waiting.done()
    other.execute("ROLLBACK")
    await asyncio.wait_for(waiting, 10)
    other.close()
    assert words(sqlite) == ["first", "second"]
    assert threads[-1] != threading.get_ident()
    await sqlite.write(note, "third", quick=True)
    assert threads[-1] == threading.get_ident()


async def test_slow_commits_leave_the_loop_and_come_back(
    sqlite: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, slow = loop_writer.WriterConnection.commit, True
    committers: list[int] = []

    def timed(line: Any) -> None:
        committers.append(threading.get_ident())
        if slow:
            time.sleep(0.02)
        commit(line)

    monkeypatch.setattr(loop_writer.WriterConnection, "commit", timed)
    for number in range(3):
        await sqlite.write(note, str(number), quick=True)
    assert committers[0] == threading.get_ident()
    assert committers[-1] != threading.get_ident()
    slow = False
    monkeypatch.setattr(loop_writer, "SLOW", 1.0)
    monkeypatch.setattr(loop_writer, "QUICK", 1.0)
    for number in range(3, 6):
        await sqlite.write(note, str(number), quick=True)
    assert committers[-1] == threading.get_ident()
    assert words(sqlite) == list("012345")


async def test_a_commit_that_fails_is_tried_again_by_the_thread(
    sqlite: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, failures = loop_writer.WriterConnection.commit, [sqlite3.OperationalError("disk I/O error")]

    def fails_once(line: Any) -> None:
        if failures:
            error = failures.pop()
            line._roll_back()
            raise error
        commit(line)

    monkeypatch.setattr(loop_writer.WriterConnection, "commit", fails_once)
    await sqlite.write(note, "a", quick=True)
    assert words(sqlite) == ["a"]


async def test_what_may_wait_joins_the_next_transaction(sqlite: Store) -> None:
    rider = asyncio.create_task(sqlite.write(note, "rider", within=30.0))
    await asyncio.sleep(0)
    await sqlite.write(note, "driver", quick=True)
    assert await rider == 2
    assert len(threads) == 1


async def test_what_may_wait_does_not_wait_for_ever(sqlite: Store) -> None:
    assert await asyncio.wait_for(sqlite.write(note, "alone", within=0.01), 10) == 1
