"""A backup is made under load, whole or not at all; a restored one forgets no mail (P10)."""

import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from mailbot.store import migrate
from mailbot.store.service.backup import backup, begin_restored
from mailbot.store.store import Store
from tests.store.test_outbox import due_mail, enqueue_mail

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "mailbot.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


def grow(path: Path, mebibytes: int) -> None:
    with closing(sqlite3.connect(path)) as store, store:
        for number in range(mebibytes):
            store.execute("INSERT INTO contents VALUES (?, zeroblob(1048576))", (f"{number:064x}",))


@contextmanager
def writing(path: Path) -> Iterator[list[float]]:
    """Commit all the time, as a daemon does; yields when each commit was done."""
    stop, done = threading.Event(), list[float]()

    def write() -> None:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as store:
            while not stop.is_set():
                store.execute("INSERT INTO installation VALUES (?, 'x')", (f"n{len(done)}",))
                done.append(time.monotonic())

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield done
    finally:
        stop.set()
        writer.join()


def test_p10_a_backup_ends_while_another_process_writes_without_a_pause(source: Path, tmp_path: Path) -> None:
    grow(source, 40)
    target = tmp_path / "backup.db"
    with writing(source) as commits:
        while len(commits) < 5:
            time.sleep(0.01)
        started = time.monotonic()
        backup(str(source), target, NOW)
        ended = time.monotonic()

    assert sum(started < each < ended for each in commits) > 5  # the writer was not held up
    with closing(sqlite3.connect(target)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert target.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("*.part*"))


def test_a_backup_never_replaces_a_file(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup.db"
    target.symlink_to("nowhere")

    with pytest.raises(FileExistsError):
        backup(str(source), target, NOW)
    assert target.is_symlink()


def test_without_hard_links_a_backup_gets_its_name_too(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    backup(str(source), tmp_path / "backup.db", NOW)

    assert [each.name for each in tmp_path.glob("backup*")] == ["backup.db"]


def test_a_killed_backup_leaves_no_file_of_the_good_name_and_the_next_one_is_made(
    source: Path, tmp_path: Path
) -> None:
    grow(source, 60)
    target, part = tmp_path / "backup.db", tmp_path / "backup.db.part"
    code = f"""
from datetime import datetime; from pathlib import Path; from mailbot.store.service.backup import backup
backup({str(source)!r}, Path({str(target)!r}), datetime.now())"""
    process = subprocess.Popen([sys.executable, "-c", code])
    while not (part.exists() and part.stat().st_size > 1 << 20):
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()

    assert (part.exists(), target.exists()) == (True, False)
    part.with_name("backup.db.part-journal").write_bytes(b"of the killed one")
    backup(str(source), target, NOW)
    assert sorted(each.name for each in tmp_path.glob("backup*")) == ["backup.db"]


def test_a_part_that_shares_its_content_with_a_named_backup_is_not_overwritten(
    source: Path, tmp_path: Path
) -> None:
    backup(str(source), tmp_path / "old.db", NOW)
    os.link(tmp_path / "old.db", tmp_path / "new.db.part")  # killed between its name and the end, then moved
    before = (tmp_path / "old.db").read_bytes()

    backup(str(source), tmp_path / "new.db", NOW)

    assert (tmp_path / "old.db").read_bytes() == before


def test_two_backups_to_one_file_do_not_mix(source: Path, tmp_path: Path) -> None:
    part = tmp_path / "backup.db.part"
    with part.open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(OSError, match="another backup is writing"):
            backup(str(source), tmp_path / "backup.db", NOW)
        assert part.exists()


def test_a_full_disk_is_said_before_anything_is_written(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(9 << 20, 9 << 20, 1 << 20))
    with pytest.raises(
        OSError, match=r"needs [0-9]+ MiB in .*, where 1 MiB are free: name a file on another"
    ):
        backup(str(source), tmp_path / "backup.db", NOW)

    assert not list(tmp_path.glob("backup*"))


def test_a_damaged_store_gives_no_backup(source: Path, tmp_path: Path) -> None:
    grow(source, 2)
    with closing(sqlite3.connect(source)) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = store.execute("SELECT rootpage FROM sqlite_master WHERE name = 'inbox'").fetchone()
    with source.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(os.urandom(4096))

    with pytest.raises((OSError, sqlite3.Error), match=r"not sound|malformed"):
        backup(str(source), tmp_path / "backup.db", NOW)
    assert not list(tmp_path.glob("backup*"))


def test_p3_mail_that_waited_in_a_restored_backup_counts_as_unknown_once(
    source: Path, tmp_path: Path
) -> None:
    live = Store(f"sqlite:///{source}")
    enqueue_mail(live, due_mail(1, due_at=NOW), due_mail(2, due_at=NOW + timedelta(days=2)))
    assert live.write_now(begin_restored, NOW) is None
    live.close()
    backup(str(source), tmp_path / "backup.db", NOW)

    restored = Store(f"sqlite:///{tmp_path}/backup.db")
    start = NOW + timedelta(hours=3)
    assert restored.write_now(begin_restored, start) == (NOW.isoformat(), 1)
    assert restored.write_now(begin_restored, start) is None
    rows = restored.read_now(lambda c: c.execute(text("SELECT state, unknown FROM outbox ORDER BY id")).all())
    (attempt,) = restored.read_now(lambda c: c.execute(text("SELECT outcome, reply FROM attempts")).all())
    restored.close()
    assert [tuple(row) for row in rows] == [("due", 1), ("due", 0)]
    assert tuple(attempt) == (
        "unknown",
        "restored from the backup of 2026-11-28 12:00 UTC: it may have left since",
    )
