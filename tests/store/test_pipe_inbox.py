"""Keeping one mail without SQLAlchemy does what `inbox.keep` does, byte for byte in every column."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mailbot.domain.model import Envelope
from mailbot.errors import StoreFull, StoreUnavailable
from mailbot.store import doorstep, inbox, migrate
from mailbot.store.store import Store
from tests.builders import NOW

MAILS = [
    ("a" * 64, Envelope("budi@pelanggan.example", ("support@dukungan.example",), "", NOW), b"Subject: x\r\n"),
    ("b" * 64, Envelope("", ("support+t.x@dukungan.example", "cs@dukungan.example"), "192.0.2.7", NOW), b""),
    ("c" * 64, Envelope('"bu\\"di"@büch.example', ("süß@dukungan.example",), "::1", NOW), bytes(range(256))),
]


@pytest.fixture
def url(tmp_path: Path) -> str:
    migrate.upgrade(f"sqlite:///{tmp_path}/mailbot.db")
    return f"sqlite:///{tmp_path}/mailbot.db"


def rows(url: str) -> list[list[tuple[object, ...]]]:
    with closing(sqlite3.connect(doorstep.place(url)[0])) as store:
        return [store.execute(f"SELECT * FROM {name}").fetchall() for name in ("inbox", "raw_mails")]


def test_both_ways_write_the_same_rows(url: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = f"sqlite:///{tmp_path}/other/mailbot.db"
    migrate.upgrade(other)
    store = Store(other)
    for mark, envelope, raw in MAILS:
        receipt = store.write_now(inbox.keep, inbox.Kept(mark, envelope, raw))
        assert doorstep.keep(url, mark, envelope, raw) == receipt.inbox_id
    store.close()
    assert rows(url) == rows(other)
    assert [len(each) for each in rows(url)] == [3, 3]


def test_p2_a_mail_that_is_known_gives_the_id_of_its_first_copy(url: str) -> None:
    store = Store(url)
    (mark, envelope, raw), (second, *rest) = MAILS[0], MAILS[1]
    first = store.write_now(inbox.keep, inbox.Kept(mark, envelope, raw)).inbox_id
    assert doorstep.keep(url, mark, envelope, raw) == first
    assert doorstep.keep(url, second, *rest) != first
    assert store.write_now(inbox.keep, inbox.Kept(mark, envelope, raw)) == inbox.Receipt(first, known=True)
    store.close()
    assert [len(each) for each in rows(url)] == [2, 2]


def test_without_a_store_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="there is no store"):
        doorstep.keep(f"sqlite:///{tmp_path}/mailbot.db", *MAILS[0])
    assert not list(tmp_path.iterdir())


def test_a_store_without_tables_or_no_store_at_all_is_unavailable(tmp_path: Path) -> None:
    for content in (b"", b"this is no database" * 1000):
        (tmp_path / "mailbot.db").write_bytes(content)
        with pytest.raises(StoreUnavailable):
            doorstep.keep(f"sqlite:///{tmp_path}/mailbot.db", *MAILS[0])


def test_a_lock_is_waited_for_as_long_as_the_url_says(url: str) -> None:
    with closing(sqlite3.connect(doorstep.place(url)[0], isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            doorstep.keep(f"{url}?timeout=0.2", *MAILS[0])
        other.execute("ROLLBACK")
    assert doorstep.keep(f"{url}?timeout=0.2", *MAILS[0]) == 1


def test_p4_a_full_store_is_told_apart_and_keeps_nothing_of_the_mail(url: str) -> None:
    mark, envelope, _ = MAILS[0]
    with closing(sqlite3.connect(doorstep.place(url)[0])) as store:
        (pages,) = store.execute("PRAGMA page_count").fetchone()
        assert pages
    with closing(limited(url, pages + 2)) as store, pytest.raises(sqlite3.OperationalError) as full:
        doorstep._kept(store, (mark, 0, "", "[]", "", 1), bytes(1 << 20))
    assert isinstance(doorstep.translated(full.value), StoreFull)
    assert rows(url) == [[], []]
    assert doorstep.keep(url, mark, envelope, b"x") == 1


def limited(url: str, pages: int) -> sqlite3.Connection:
    store = sqlite3.connect(doorstep.place(url)[0], isolation_level=None)
    store.execute(f"PRAGMA max_page_count = {pages}")
    return store
