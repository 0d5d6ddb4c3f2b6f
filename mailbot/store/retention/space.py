"""Giving space back to the disk. A SQLite file keeps the pages of deleted rows until they are cut off its end.

PostgreSQL's autovacuum makes the space of deleted rows free for new ones by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

INCREMENTAL = 2  # of `auto_vacuum`
STEP = 100  # pages that one transaction cuts off, about
KEPT = 0.05  # of the pages in use stay free: new mail needs them soon


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages of a SQLite file. `shrinks`: free ones can be cut off while it is in use (`auto_vacuum`)."""

    size: int
    all: int
    free: int
    shrinks: bool

    @property
    def surplus(self) -> int:
        """Return how many free pages are to be given back."""
        return max(0, self.free - int(KEPT * (self.all - self.free))) if self.shrinks else 0


def pages(connection: Connection) -> Pages | None:
    """Count the pages; None where the engine is PostgreSQL."""
    if connection.dialect.name != "sqlite":
        return None
    size, every, free = (_pragma(connection, each) for each in ("page_size", "page_count", "freelist_count"))
    return Pages(size, every, free, shrinks=_pragma(connection, "auto_vacuum") == INCREMENTAL)


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())


def cut_off(connection: Connection, items: Sequence[int]) -> list[int]:
    """Cut so many free pages off the file. Return how many free ones are left."""
    for count in items:
        for _ in range(count):  # the driver executes one step of a pragma, whatever number it names
            connection.exec_driver_sql("PRAGMA incremental_vacuum(1)")
    return [_pragma(connection, "freelist_count")] * len(items)
