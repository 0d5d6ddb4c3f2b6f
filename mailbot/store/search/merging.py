"""Taking the words of deleted messages out of the file of a SQLite store.

Theory of operation. FTS5 marks a deleted message's words as gone, and no search finds them. They leave the file when
the parts of the index that hold them are written anew. That is done a little at a time, so that no transaction holds
the write lock for long. On PostgreSQL autovacuum does it.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select, text

from mailbot.store.schema import WORDS, search_state
from mailbot.store.search.index import REMOVED

PAGES = 100  # of the index, written by one step

_STEP = text(f"INSERT INTO {WORDS} ({WORDS}, rank) VALUES ('merge', :pages)")


def removed(connection: Connection) -> int:
    """Count messages whose words are marked as gone, and are still in the file."""
    return connection.scalar(select(search_state.c.value).where(search_state.c.key == REMOVED)) or 0


def merge(connection: Connection, items: Sequence[bool]) -> list[bool]:
    """Write a part of the index anew. An item tells whether to begin. Return whether there is more to do."""
    return [_merge(connection, begins=begins) for begins in items]


def _merge(connection: Connection, *, begins: bool) -> bool:
    if connection.dialect.name != "sqlite":
        return False
    changes = text("SELECT total_changes()")
    before = connection.scalar(changes) or 0
    connection.execute(_STEP, {"pages": -PAGES if begins else PAGES})  # negative: all parts become one
    if (connection.scalar(changes) or 0) - before >= 2:  # as FTS5 tells that it did something
        return True
    connection.execute(delete(search_state).where(search_state.c.key == REMOVED))
    return False
