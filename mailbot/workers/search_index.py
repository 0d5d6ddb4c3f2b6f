"""Keeps the index of `ticket search` up to date, behind the mail and never in its way."""

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from mailbot.store.search import index, merging
from mailbot.store.search.index import Addition, Indexed
from mailbot.workers.runtime import Deps

IDLE = 1.0  # seconds between looks for new messages
FOLLOWER = 5.0  # where another node fills the index
SMALLEST, LARGEST = 10, 200  # messages of one transaction
LONGEST = 0.03  # seconds of a transaction, about
QUEUED = 20  # messages that are read again in one transaction
REST, REST_WHEN_BUSY = 3, 15  # times as long as the work took: a quarter of the time, or a sixteenth
BUSY = 0.6  # of one core: the daemon has mail to do
LATE_EVERY = 60.0  # seconds between looks for messages below the mark
MERGE_EVERY = 3600.0


class SearchIndex:
    """The worker. Several nodes may run it: one of them gets on, the others look in now and then."""

    name: Final = "search"
    stop_stage: Final = "background"

    def __init__(self, deps: Deps, merge_every: float = MERGE_EVERY) -> None:
        self._store, self._merge_every = deps.store, merge_every
        self._size = SMALLEST
        self._looked_at = (time.monotonic(), time.process_time())
        self._late_at = self._merged_at = time.monotonic()
        self._late_mark = -1
        self._merges = False  # it is under way

    async def run_once(self) -> timedelta | float:
        began = time.monotonic()
        if not await self._store.read(index.is_current):
            return 0 if await self._store.write(index.clear, LARGEST, alone=True) else FOLLOWER
        done = await self._refresh() or await self._add()
        if done is None:
            return FOLLOWER
        if done:
            return (time.monotonic() - began) * (REST_WHEN_BUSY if self._is_busy() else REST)
        return REST * LONGEST if await self._look_back() or await self._merge() else IDLE

    async def _refresh(self) -> int | None:
        """Read messages of the queue again. Return how many; None where another node does it."""
        if not await self._store.read(index.queued):
            return 0
        done = await self._store.write(index.refresh, QUEUED, alone=True)
        return None if done < 0 else done

    async def _add(self) -> int | None:
        """Index the next new messages. Return how many; None where another node was first."""
        mark, found = await self._store.read(_next, self._size)
        if not found:
            return 0
        began = time.monotonic()
        is_ours = await self._store.write(index.add, Addition(found, mark, found[-1].unread.id), alone=True)
        self._adjust(len(found), time.monotonic() - began)
        return len(found) if is_ours else None

    def _adjust(self, count: int, seconds: float) -> None:
        if seconds > LONGEST:
            self._size = max(SMALLEST, self._size // 2)
        elif seconds < LONGEST / 2 and count == self._size:
            self._size = min(LARGEST, self._size * 2)

    def _is_busy(self) -> bool:
        """Check whether the process used most of a core since the last look, for whatever."""
        (wall, cpu), now = self._looked_at, (time.monotonic(), time.process_time())
        self._looked_at = now
        return now[1] - cpu > BUSY * (now[0] - wall)

    async def _look_back(self) -> bool:
        """Index what became visible below the mark. Only PostgreSQL has such messages."""
        if self._store.sqlite or time.monotonic() - self._late_at < LATE_EVERY:
            return False
        self._late_at = time.monotonic()
        mark, found = await self._store.read(_late, self._late_mark, SMALLEST)
        if found:
            await self._store.write(index.add, Addition(found, mark, mark), alone=True)
            self._late_at -= LATE_EVERY
        else:
            self._late_mark = mark
        return bool(found)

    async def _merge(self) -> bool:
        """Take some words of deleted messages out of a SQLite file. Return whether there are more."""
        if not self._store.sqlite or time.monotonic() - self._merged_at < self._merge_every:
            return False
        begins = not self._merges
        if begins and not await self._store.read(merging.removed):
            self._merged_at = time.monotonic()
            return False
        self._merges = await self._store.write(merging.merge, begins, alone=True)
        if not self._merges:
            self._merged_at = time.monotonic()
        return self._merges


def _next(connection: Connection, size: int) -> tuple[int, Sequence[Indexed]]:
    mark = index.mark(connection)
    return mark, index.with_words(index.pending(connection, mark, size))


def _late(connection: Connection, seen: int, size: int) -> tuple[int, Sequence[Indexed]]:
    mark = index.mark(connection)
    return mark, [] if mark == seen else index.with_words(index.late(connection, mark, size))
