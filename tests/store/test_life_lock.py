"""A SQLite file takes one daemon, by whatever name it is given (P11); a file that is gone takes nothing."""

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, closing
from pathlib import Path

import pytest
from sqlalchemy import text

from mailbot.errors import AlreadyRunning, StoreUnavailable
from mailbot.store import migrate
from mailbot.store.service import life_lock
from mailbot.store.service.life_lock import LifeLock
from mailbot.store.store import Store

HOLD = """
import sys
from mailbot.store.service.life_lock import LifeLock
with LifeLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "mailbot.db"


@pytest.fixture
def holder(database: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start another process that holds the database."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        yield process
        process.communicate()


def symbolic_link(database: Path) -> Path:
    link = database.with_name("link.db")
    link.symlink_to(database.name)
    return link


def link_to_the_folder(database: Path) -> Path:
    link = database.parent.with_name("elsewhere")
    link.symlink_to(database.parent)
    return link / database.name


def hard_link(database: Path) -> Path:
    link = database.with_name("hard.db")
    os.link(database, link)
    return link


def without_its_lock(database: Path) -> Path:
    database.with_name("mailbot.db.lock").unlink()
    return database


def replaced(database: Path) -> Path:
    shutil.copy(database, database.with_name("copy.db"))
    database.with_name("copy.db").rename(database)
    return database


NAMES: list[Callable[[Path], Path]] = [
    lambda database: database,
    lambda database: database.parent / ".." / "data" / database.name,
    lambda database: Path(os.path.relpath(database)),
    symbolic_link,
    link_to_the_folder,
    hard_link,
    without_its_lock,
    lambda database: without_its_lock(hard_link(database).with_name(database.name)),
    replaced,
]


@pytest.mark.parametrize("name", NAMES)
def test_p11_no_second_daemon_by_any_name(
    database: Path, holder: subprocess.Popen[bytes], name: Callable[[Path], Path]
) -> None:
    with chdir(database.parent.parent), pytest.raises(AlreadyRunning, match="in use by "):
        LifeLock(str(name(database)))


def test_the_refusal_names_the_process_and_its_host(database: Path, holder: subprocess.Popen[bytes]) -> None:
    with pytest.raises(AlreadyRunning, match=rf"in use by process {holder.pid} on {os.uname().nodename}:"):
        LifeLock(str(database))


def test_without_the_lock_file_the_process_is_named_too(
    database: Path, holder: subprocess.Popen[bytes]
) -> None:
    with pytest.raises(AlreadyRunning, match=rf"in use by process {holder.pid}:"):
        LifeLock(str(without_its_lock(database)))


def test_the_lock_ends_with_its_process(database: Path, holder: subprocess.Popen[bytes]) -> None:
    holder.kill()
    holder.wait()

    with LifeLock(str(database)):
        pass


def test_what_sqlite_does_with_the_file_does_not_free_it(database: Path) -> None:
    refused = "import sys; from mailbot.store.service.life_lock import LifeLock; LifeLock(sys.argv[1])"
    with LifeLock(str(database)):
        for _ in range(2):
            migrate.upgrade(f"sqlite:///{database}")  # it opens and closes the file
        without_its_lock(database)
        second = subprocess.run([sys.executable, "-c", refused, database], capture_output=True, check=False)
    assert b"AlreadyRunning" in second.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of others")
def test_what_root_creates_belongs_to_the_user_of_the_daemon(database: Path) -> None:
    os.chown(database.parent, 4711, 4712)
    with LifeLock(str(database)):
        migrate.upgrade(f"sqlite:///{database}")

    assert {(each.stat().st_uid, each.stat().st_gid) for each in database.parent.iterdir()} == {(4711, 4712)}


def test_a_kernel_without_locks_of_descriptors_keeps_others_out_too(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr("fcntl.fcntl", unknown)
    with LifeLock(str(database)):
        without_its_lock(database)
        with pytest.raises(AlreadyRunning, match="in use by another process"):
            LifeLock(str(hard_link(database)))


def test_a_lock_file_that_is_a_link_is_not_followed(database: Path) -> None:
    (target := database.with_name("theirs")).write_text("keep")
    database.with_name("mailbot.db.lock").symlink_to(target)

    with pytest.raises(OSError, match="symbolic links"):
        LifeLock(str(database))
    assert target.read_text() == "keep"


def test_a_network_file_system_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mounts = f"/dev/vda / ext4 rw 0 0\nfiler:/x {tmp_path} nfs4 rw 0 0\n"
    monkeypatch.setattr(Path, "read_text", lambda _: mounts)

    assert life_lock.network_file_system(tmp_path / "mailbot.db") == "nfs4"
    assert life_lock.network_file_system(Path("/mailbot.db")) == ""


def test_a_store_that_others_can_read_is_made_private(database: Path) -> None:
    migrate.upgrade(f"sqlite:///{database}")
    (link := database.with_name("link.db")).symlink_to(database)
    with closing(sqlite3.connect(database)) as reader, LifeLock(str(link)):
        reader.execute("SELECT * FROM installation").fetchall()
        for each in database.parent.glob("mailbot.db*"):
            each.chmod(0o644)

        changed = life_lock.make_private(str(link))

        files = ("mailbot.db", "mailbot.db-wal", "mailbot.db-shm", "mailbot.db.lock")
        assert [path.name for path in changed] == list(files)
        assert {each.stat().st_mode & 0o777 for each in changed} == {0o600}
        assert life_lock.make_private(str(link)) == []


@pytest.mark.parametrize("gone", [Path.unlink, replaced])
def test_a_store_that_was_removed_or_replaced_takes_nothing(
    database: Path, gone: Callable[[Path], object]
) -> None:
    migrate.upgrade(f"sqlite:///{database}")
    store = Store(f"sqlite:///{database}")
    insert = text("INSERT INTO installation VALUES (:key, 'x')")

    def put(connection: object, items: list[str]) -> list[None]:
        connection.execute(insert, [{"key": key} for key in items])  # type: ignore[attr-defined]
        return [None] * len(items)

    store.write_now(put, "a")
    kept = database.with_name("kept.db")
    os.link(database, kept)
    gone(database)
    with pytest.raises(StoreUnavailable, match="was removed or replaced while it was in use: put it back"):
        store.write_now(put, "b")
    with pytest.raises(StoreUnavailable, match="was removed or replaced"):
        store.read_now(lambda connection: connection.scalar(text("SELECT 1")))
    kept.rename(database)
    store.write_now(put, "c")
    store.close()
