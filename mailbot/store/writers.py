"""The threads that write: what waits is committed together, without lingering, and shares one fsync.

When a transaction of several fails, each item is tried alone, so that one bad row fails its own caller only.
Long work (`alone`) has a transaction of its own and comes after the short work that waits: a mail that is
ready for its final dot must not wait until fifty others are decided.
"""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from mailbot.store.engine import translated

I = TypeVar("I")  # noqa: E741  (an item)
R = TypeVar("R")
Op = Callable[[Connection, Sequence[I]], Sequence[R]]

MAX_ITEMS = 200  # items in one transaction at most


@dataclass(frozen=True, slots=True)
class Job:
    """`op` is to be applied to `item`; `future` gets the result, after the commit."""

    op: Op[Any, Any]
    item: Any
    future: asyncio.Future[Any]
    alone: bool = False


Outcome = tuple[asyncio.Future[Any], Any, BaseException | None]


def apply(connection: Connection, work: Sequence[tuple[Op[Any, Any], Any]]) -> list[Any]:
    """Apply all of `work` in the connection's transaction: each operation once, over all its items."""
    by_op: dict[Op[Any, Any], list[int]] = {}
    for position, (op, _) in enumerate(work):
        by_op.setdefault(op, []).append(position)
    results: list[Any] = [None] * len(work)
    for op, positions in by_op.items():
        answers = op(connection, [work[position][1] for position in positions])
        for position, answer in zip(positions, answers, strict=True):
            results[position] = answer
    return results


class Writers:
    """So many threads, one queue. They start with the first job; `close` lets them finish what was asked."""

    def __init__(self, engine: Engine, count: int) -> None:
        self._engine = engine
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._serve, name=f"store-writer-{n}", daemon=True) for n in range(count)
        ]
        self._started = False

    def put(self, job: Job) -> None:
        if not self._started:
            self._started = True
            for thread in self._threads:
                thread.start()
        self._jobs.put(job)

    def close(self) -> None:
        for _ in self._threads:
            self._jobs.put(None)
        if self._started:
            for thread in self._threads:
                thread.join()

    def _serve(self) -> None:
        line = _WriterConnection(self._engine)
        later: deque[Job] = deque()
        open_ = True
        while open_ or later:
            short: list[Job] = []
            for job in self._waiting(wait=open_ and not later):
                if job is None:
                    open_ = False
                elif job.alone:
                    later.append(job)
                else:
                    short.append(job)
            if short:
                _hand_over_results(self._settle(line, short))
            elif later:
                _hand_over_results(self._settle(line, [later.popleft()]))
        line.close()

    def _waiting(self, *, wait: bool) -> Iterator[Job | None]:
        """Take what is in the queue now; with `wait`, at least one."""
        try:
            job = self._jobs.get(block=wait)
            for _ in range(MAX_ITEMS):
                yield job
                if job is None:
                    return  # the end, for this thread; the other's is still in the queue
                job = self._jobs.get_nowait()
            self._jobs.put(job)
        except queue.Empty:
            return

    def _settle(self, line: "_WriterConnection", jobs: list[Job]) -> list[Outcome]:
        try:
            with line.transaction() as connection:
                results = apply(connection, [(job.op, job.item) for job in jobs])
        except BaseException as error:  # it belongs to the callers, not to this thread
            if len(jobs) == 1:
                return [(jobs[0].future, None, error)]
            return [outcome for job in jobs for outcome in self._settle(line, [job])]
        return [(job.future, result, None) for job, result in zip(jobs, results, strict=True)]


class _WriterConnection:
    """A thread's own connection, kept between transactions: the pool costs as much as writing a row."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Begin and commit a transaction. Raises StoreUnavailable or StoreFull for the engine's trouble."""
        try:
            connection = self._connection = self._connection or self._engine.connect()
            with connection.begin():
                yield connection
        except DBAPIError as error:
            if error.connection_invalidated:
                self.close()  # the next transaction asks for a new one
            raise translated(error) from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _hand_over_results(outcomes: list[Outcome]) -> None:
    loop = outcomes[0][0].get_loop()
    if not loop.is_closed():
        loop.call_soon_threadsafe(_resolve, outcomes)


def _resolve(outcomes: list[Outcome]) -> None:
    for future, result, error in outcomes:
        if future.cancelled():
            continue  # the caller went away; the work is done all the same
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
