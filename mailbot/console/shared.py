"""Results that several visitors share for a while, each computed once however many ask for it."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

R = TypeVar("R")

MOST = 6  # results: a report of 50,000 tickets has 25 MB
REST = 10  # times as long as it took to compute, a result is kept: no page takes more than a tenth of a core


@dataclass(slots=True)
class _Entry:
    task: "asyncio.Task[Any]"
    until: datetime


class Shared:
    """The results by their keys. `now` is always given: their age is by the clock of the pages."""

    def __init__(self) -> None:
        self._entries: dict[Hashable, _Entry] = {}
        self._alone = asyncio.Lock()

    async def get(
        self,
        key: Hashable,
        lasts: timedelta,
        now: datetime,
        make: Callable[[], Awaitable[R]],
        *,
        alone: bool = False,
    ) -> R:
        """Return the result of `make`, not older than `lasts`, or than REST times what it took.

        `alone`: heavy work, done one after the other.
        """
        entry = self._entries.get(key)
        if entry is None or (entry.task.done() and entry.until <= now):
            self.forget(key)  # the newest is last
            entry = self._entries[key] = self._start(key, lasts, now, make, alone)
        found: R = await asyncio.shield(entry.task)  # others may wait for it too
        return found

    def last(self, key: Hashable, now: datetime | None = None) -> Any:
        """Return the newest result, with `now` only a fresh one; None where there is none."""
        entry = self._entries.get(key)  # one that failed is not there
        fresh = entry and (now is None or entry.until > now)
        return entry.task.result() if entry and fresh and entry.task.done() else None

    def forget(self, key: Hashable) -> None:
        self._entries.pop(key, None)

    def _start(
        self, key: Hashable, lasts: timedelta, now: datetime, make: Callable[[], Awaitable[R]], alone: bool
    ) -> _Entry:
        for old in list(self._entries)[: max(0, len(self._entries) - MOST + 1)]:
            del self._entries[old]
        entry = _Entry(asyncio.create_task(self._make(make, alone)), now + lasts)
        clock, began = asyncio.get_running_loop().time, asyncio.get_running_loop().time()

        def settle(task: "asyncio.Task[R]") -> None:
            entry.until = max(entry.until, now + timedelta(seconds=REST * (clock() - began)))
            if (task.cancelled() or task.exception()) and self._entries.get(key) is entry:
                self.forget(key)  # the next visitor tries again

        entry.task.add_done_callback(settle)
        return entry

    async def _make(self, make: Callable[[], Awaitable[R]], alone: bool) -> R:
        if not alone:
            return await make()
        async with self._alone:
            return await make()
