"""Rewriting a SQLite file without its free pages, so that it shrinks by itself from then on.

Theory of operation. VACUUM writes the content to a temporary file and then back, as one transaction: a crash leaves the
store as it was. A copy that takes the file's place would lose what another process writes meanwhile.
"""

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mailbot.errors import StoreFull
from mailbot.store.engine import BUSY
from mailbot.store.schema import WORDS

COPIES = 2  # of the content at once, beside the file: the temporary one and the log
MARGIN = 1.1


@dataclass(frozen=True, slots=True)
class Compacted:
    """Bytes of the file before and after."""

    before: int
    after: int


def free_space(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def compact(path: Path, free_space: Callable[[Path], int] = free_space) -> Compacted:
    """Rewrite the file. The caller holds its LifeLock. Raises StoreFull when the disk has too little room."""
    before = path.stat().st_size
    connection = sqlite3.connect(path, isolation_level=None, timeout=float(BUSY))
    try:
        _require_room(connection, free_space(path.parent))
        _remove_words_of_deleted(connection)
        # Beside the file: /tmp may be small, or in memory. As a bound value it is no pragma: quoted by hand.
        folder = str(path.parent.resolve()).replace("'", "''")
        for statement in (
            "PRAGMA temp_store = FILE",
            f"PRAGMA temp_store_directory = '{folder}'",
            "PRAGMA auto_vacuum = INCREMENTAL",
            "VACUUM",
            "PRAGMA wal_checkpoint(TRUNCATE)",
        ):
            connection.execute(statement)
    except sqlite3.OperationalError as error:
        if "full" in str(error):
            raise StoreFull(str(error)) from error
        raise
    finally:
        connection.close()
    return Compacted(before, path.stat().st_size)


def _remove_words_of_deleted(connection: sqlite3.Connection) -> None:
    """Write the index of messages anew: until then it holds words of deleted ones, marked as gone."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (WORDS,)).fetchone():
        connection.execute(f"INSERT INTO {WORDS} ({WORDS}) VALUES ('optimize')")
        connection.execute("DELETE FROM search_state WHERE key = 'removed'")


def _require_room(connection: sqlite3.Connection, room: int) -> None:
    size, every, free = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_size", "page_count", "freelist_count")
    )
    needed = int(COPIES * MARGIN * size * (every - free))
    if room < needed:
        raise StoreFull(f"{needed:,} bytes must be free where the store is, there are {room:,}")
