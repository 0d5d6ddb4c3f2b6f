"""The file of a SQLite store shrinks: by itself where it was made for it, else after `compact`."""

import sqlite3
from pathlib import Path

import pytest

from mailbot.errors import StoreFull
from mailbot.store.retention import compact, space
from mailbot.store.store import Store

BLOB = 50_000


def fill(url: str, rows: int = 200) -> Store:
    store = Store(url)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB)")
        connection.exec_driver_sql("INSERT INTO t (b) VALUES (zeroblob(?))", [(BLOB,)] * rows)
    return store


def checkpointed(path: Path) -> int:
    """Return the size of the file once all of the log is in it."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


def test_a_new_store_shrinks_step_by_step_and_keeps_a_reserve(tmp_path: Path) -> None:
    path = tmp_path / "mailbot.db"
    store = fill(f"sqlite:///{path}")
    whole = checkpointed(path)
    store.write_now(lambda c, items: [c.exec_driver_sql("DELETE FROM t WHERE id > 20") and None], None)

    pages = store.read_now(space.pages)
    assert pages
    assert pages.shrinks
    assert store.write_now(space.cut_off, pages.surplus) == pages.free - pages.surplus > 0
    assert checkpointed(path) < whole / 8
    after = store.read_now(space.pages)
    assert after
    assert after.surplus == 0
    store.close()


def test_a_store_of_before_shrinks_only_after_it_was_compacted(tmp_path: Path) -> None:
    path = tmp_path / "mailbot.db"
    with sqlite3.connect(path) as old:
        old.execute("CREATE TABLE before (id INTEGER PRIMARY KEY)")
    store = fill(f"sqlite:///{path}")
    store.write_now(lambda c, items: [c.exec_driver_sql("DELETE FROM t WHERE id > 20") and None], None)
    pages = store.read_now(space.pages)
    assert pages
    assert (pages.shrinks, pages.surplus) == (False, 0)
    store.close()

    done = compact.compact(path)
    assert done.after < done.before / 8
    assert path.stat().st_size == done.after
    store = Store(f"sqlite:///{path}")
    again = store.read_now(space.pages)
    assert again
    assert again.shrinks
    store.close()
    assert [each.name for each in tmp_path.iterdir()] == ["mailbot.db"]


def test_without_room_for_the_copy_nothing_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "mailbot.db"
    fill(f"sqlite:///{path}").close()
    before = path.read_bytes()
    with pytest.raises(StoreFull, match="must be free where the store is"):
        compact.compact(path, lambda folder: 1_000_000)
    assert path.read_bytes() == before
