"""The store: group commit on threads of our own, one way to write and one way to read.

Every write is an operation `op(connection, items) -> results` over a list: what many callers asked for
while the last commit ran is taken together, without lingering, in one transaction that shares one fsync.
When that transaction fails, each item is tried alone, so that one bad row fails its own caller only.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from mailbot.store.engine import is_sqlite, open_engine, translated

I = TypeVar("I")  # noqa: E741  (an item)
R = TypeVar("R")
Op = Callable[[Connection, Sequence[I]], Sequence[R]]

TOGETHER = 200  # items in one transaction at most
POSTGRES_WRITERS = 4


@dataclass(frozen=True, slots=True)
class _Job:
    op: Op[Any, Any]
    item: Any
    future: asyncio.Future[Any] | None = None


Outcomes = list[tuple[asyncio.Future[Any] | None, Any, BaseException | None]]


class Store:
    """An open database: `write`, `read` for coroutines, `write_now`, `read_now` for the command line."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.sqlite = is_sqlite(url)
        writers = 1 if self.sqlite else POSTGRES_WRITERS
        self.engine = open_engine(url, writers=writers + 2)
        # One state for all statements of a query; PostgreSQL would show each of them a newer one.
        self._reading = (
            {"sqlite_begin": "DEFERRED"} if self.sqlite else {"isolation_level": "REPEATABLE READ"}
        )
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writers = [
            threading.Thread(target=self._serve, name=f"store-writer-{n}", daemon=True)
            for n in range(writers)
        ]
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="store-reader")
        self._started = False

    async def write(self, op: Op[I, R], item: I) -> R:
        """`op` applied to `item`, committed when this returns.

        Raises StoreUnavailable or StoreFull (nothing was written), or what `op` raised for this item alone.
        """
        if not self._started:
            self._start()
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(op, item, future))
        return await future

    def write_now(self, op: Op[I, R], item: I) -> R:
        """The same, in the caller's own thread."""
        return self._transaction([_Job(op, item)])[0]  # type: ignore[no-any-return]

    async def read(self, query: Callable[..., R], *args: Any) -> R:
        """`query(connection, *args)` on a reader's thread, seeing one consistent state."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, query, *args)

    def read_now(self, query: Callable[..., R], *args: Any) -> R:
        try:
            with self.engine.connect().execution_options(**self._reading) as connection:
                result = query(connection, *args)
                connection.rollback()
                return result
        except DBAPIError as error:
            raise translated(error) from error

    def close(self) -> None:
        """Finishes what was asked for, then lets go of the database."""
        for _ in self._writers:
            self._jobs.put(None)
        if self._started:
            for thread in self._writers:
                thread.join()
        self._readers.shutdown()
        self.engine.dispose()

    def _start(self) -> None:
        self._started = True
        for thread in self._writers:
            thread.start()

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            jobs = [job]
            while len(jobs) < TOGETHER:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    self._jobs.put(None)  # for the next turn, after this commit
                    break
                jobs.append(job)
            outcomes = self._settle(jobs)
            if loop := next((future.get_loop() for future, _, _ in outcomes if future), None):
                loop.call_soon_threadsafe(_resolve, outcomes)

    def _settle(self, jobs: list[_Job]) -> Outcomes:
        try:
            results = self._transaction(jobs)
        except BaseException as error:  # it belongs to the callers, not to this thread
            if len(jobs) == 1:
                return [(jobs[0].future, None, error)]
            return [outcome for job in jobs for outcome in self._settle([job])]
        return [(job.future, result, None) for job, result in zip(jobs, results, strict=True)]

    def _transaction(self, jobs: list[_Job]) -> list[Any]:
        by_op: dict[Op[Any, Any], list[int]] = {}
        for position, job in enumerate(jobs):
            by_op.setdefault(job.op, []).append(position)
        results: list[Any] = [None] * len(jobs)
        try:
            with self.engine.begin() as connection:
                for op, positions in by_op.items():
                    answers = op(connection, [jobs[position].item for position in positions])
                    for position, answer in zip(positions, answers, strict=True):
                        results[position] = answer
        except DBAPIError as error:
            raise translated(error) from error
        return results


def _resolve(outcomes: Outcomes) -> None:
    for future, result, error in outcomes:
        if future is None or future.cancelled():
            continue  # the caller went away; the work is done all the same
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
