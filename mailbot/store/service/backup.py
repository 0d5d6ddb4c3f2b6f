"""Copy a SQLite store while a daemon writes to it.

Theory of operation. One read transaction holds one state of the store, so no write makes the copy begin again. Writers
go on: their pages gather in the WAL until the copy ends. The copy is written to FILE.part, checked, flushed to disk and
only then named FILE. So FILE is a whole backup or not there, whatever was killed.
"""

import errno
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, insert, select, update

from mailbot.domain.model import AttemptOutcome
from mailbot.store.schema import WAITING, attempts
from mailbot.store.schema import outbox as mails
from mailbot.store.service import installation

SLICE = 16384  # pages between two flushes: a whole store flushed at once would hold up the daemon's commits
_MARGIN = 16 << 20  # bytes: what comes in while the copy is made


def backup(source: str, target: Path, now: datetime) -> None:
    """Copy the store at `source` to `target`, which only its owner can read.

    Raises FileExistsError when `target` exists, OSError or sqlite3.Error when no sound copy can be made.
    """
    part = target.with_name(f"{target.name}.part")
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, "exists already", str(target))
    with closing(sqlite3.connect(f"{Path(source).absolute().as_uri()}?mode=ro", uri=True)) as store:
        store.isolation_level = None
        store.execute("BEGIN")
        _require_space(target.parent, _size(store) + _MARGIN)
        with part_of_our_own(part) as file:
            _copy(store, part, file)
            _finish(part, now)
            os.fsync(file)
            give_name(part, target)


def _size(store: sqlite3.Connection) -> int:
    (pages,), (page_size,) = (
        store.execute(f"PRAGMA {each}").fetchone() for each in ("page_count", "page_size")
    )
    return int(pages * page_size)


def _require_space(folder: Path, wanted: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < wanted:
        text = f"the copy needs {wanted >> 20} MiB in {folder}, where {free >> 20} MiB are free"
        raise OSError(errno.ENOSPC, f"{text}: name a file on another disk")


@contextmanager
def part_of_our_own(part: Path) -> Iterator[int]:
    """Open a new file that no other backup writes; remove what a killed one left."""
    _remove_leftover(part)
    file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        os.fchmod(file, 0o600)
        _lock(file, part)
        yield file
    except BaseException:
        if _is_at(file, part):
            _remove(part)
        raise
    finally:
        os.close(file)


def _remove_leftover(part: Path) -> None:
    # Unlinked, never overwritten: a backup that was killed while it got its name shares the file's content.
    try:
        file = os.open(part, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        _lock(file, part)
        _remove(part)
    finally:
        os.close(file)


def _lock(file: int, part: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise OSError(errno.EBUSY, f"another backup is writing {part}: wait until it ends") from None
    if not _is_at(file, part):
        raise OSError(errno.EBUSY, f"another backup began to write {part}: wait until it ends")


def _is_at(file: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file), path.stat(follow_symlinks=False))
    return False


def _remove(part: Path) -> None:
    for name in (f"{part}-journal", f"{part}-wal", f"{part}-shm", str(part)):
        with suppress(FileNotFoundError):
            os.unlink(name)


def _copy(store: sqlite3.Connection, part: Path, file: int) -> None:
    def flush(_status: int, _remaining: int, _total: int) -> None:
        os.fdatasync(file)

    with closing(sqlite3.connect(part)) as copy:
        copy.execute("PRAGMA journal_mode = OFF")
        copy.execute("PRAGMA synchronous = OFF")  # `flush` does it
        store.backup(copy, pages=SLICE, progress=flush, sleep=0)


def _finish(part: Path, now: datetime) -> None:
    """Mark the copy as a backup, make it one file that any medium can hold, and check all of it."""
    with closing(sqlite3.connect(part, isolation_level=None)) as copy:
        copy.execute("PRAGMA journal_mode = DELETE")
        with suppress(sqlite3.OperationalError):  # a store of the first version has no such table
            copy.execute(
                "INSERT OR REPLACE INTO installation VALUES (?, ?)", (installation.BACKUP, now.isoformat())
            )
        copy.execute(f"PRAGMA mmap_size = {1 << 40}")  # what was just written is in memory: half the time
        (verdict,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise OSError(errno.EIO, f"the copy is not sound, the store itself may be damaged: {verdict}")


def give_name(part: Path, target: Path) -> None:
    """Give the copy its name, unless another file has it by now."""
    try:
        os.link(part, target)
        os.unlink(part)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "exists already", str(target)) from None
        part.rename(target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def begin_restored(connection: Connection, items: Sequence[datetime]) -> list[tuple[str, int] | None]:
    """Begin to work on a backup, once: when it was made, and how many mails may have left since. None: it is no backup.

    Those mails count as unknown: they go out, and whoever got them before gets a copy with the same Message-ID.
    """
    made_at = installation.remove_backup_mark(connection)
    if made_at is None:
        return [None] * len(items)
    waiting = select(mails.c.id, mails.c.due_at).where(WAITING, mails.c.due_at <= max(items))
    rows = connection.execute(waiting).all()
    why = f"restored from the backup of {made_at:%Y-%m-%d %H:%M} UTC: it may have left since"
    unknown = {"outcome": AttemptOutcome.UNKNOWN, "reply": why, "node": "", "at": made_at}
    if rows:
        counted = {"attempts": mails.c.attempts + 1, "unknown": mails.c.unknown + 1}
        connection.execute(update(mails).where(WAITING, mails.c.due_at <= max(items)).values(counted))
        connection.execute(insert(attempts), [{"outbox_id": row.id} | unknown for row in rows])
    return [(made_at.isoformat(), len(rows))] * len(items)
