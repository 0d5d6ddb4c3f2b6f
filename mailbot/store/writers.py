"""The threads that write: what waits is committed together, without lingering, and shares one fsync.

When a transaction of several fails, each item is tried alone, so that one bad row fails its own caller only.
When the database itself fails, all that waits fails with it: each caller knows whether and when to try again.
Long work (`alone`) has a transaction of its own and comes after the short work that waits: a mail that is
ready for its final dot must not wait until fifty others are decided.
"""

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from random import random
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Transaction

from mailbot.errors import StoreBusy, StoreFull, StoreUnavailable
from mailbot.store.database.errors import transaction, translating

I = TypeVar("I")  # noqa: E741  (an item)
R = TypeVar("R")
Op = Callable[[Connection, Sequence[I]], Sequence[R]]

MAX_ITEMS = 200  # items in one transaction at most
REPEAT_PAUSES = (0.02, 0.1, 0.4)  # seconds before a transaction that the database undid is run again
REPEAT_SECONDS = 15.0  # after which it is not run again
ALONE_SECONDS = 30.0  # for the items of a transaction that failed, one by one


@dataclass(frozen=True, slots=True)
class Job:
    """`op` is to be applied to `item`; `future` gets the result, after the commit."""

    op: Op[Any, Any]
    item: Any
    future: asyncio.Future[Any]
    alone: bool = False

    @property
    def work(self) -> tuple[Op[Any, Any], Any]:
        return self.op, self.item


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
        line = WriterConnection(self._engine)
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
            _hand_over_results(self._work(line, short, later))
        line.close()

    def _work(self, line: "WriterConnection", short: list[Job], later: deque[Job]) -> list[Outcome]:
        """Settle the short jobs, or one of those for later."""
        outcomes = self._settle(line, short or [later.popleft()]) if short or later else []
        if failure := _failure_of_all(outcomes):  # else each that waits would wait for its own time-out
            outcomes += [(job.future, None, failure) for job in later]
            later.clear()
        return outcomes

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

    def _settle(self, line: "WriterConnection", jobs: list[Job]) -> list[Outcome]:
        """Commit the jobs together, and when that fails, each alone."""
        try:
            results = repeated(partial(_commit, line, jobs))
        except BaseException as error:  # it belongs to the callers, not to this thread
            if len(jobs) == 1 or is_failure_of_all(error):
                return [(job.future, None, error) for job in jobs]
            return self._settle_each(line, jobs)
        return [(job.future, result, None) for job, result in zip(jobs, results, strict=True)]

    def _settle_each(self, line: "WriterConnection", jobs: Sequence[Job]) -> list[Outcome]:
        """Commit each job alone, until the database fails or the time is up. Then the rest fails."""
        outcomes: list[Outcome] = []
        until = time.monotonic() + ALONE_SECONDS
        for position, job in enumerate(jobs):
            outcomes += self._settle(line, [job])
            error = outcomes[-1][2]
            if is_failure_of_all(error) or (error and time.monotonic() > until):
                return outcomes + [
                    (each.future, None, StoreBusy(str(error))) for each in jobs[position + 1 :]
                ]
        return outcomes


class WriterConnection:
    """A connection kept between transactions: the pool costs as much as writing a row.

    Raises StoreUnavailable or one of its kinds for the engine's trouble. Without `waits`, BEGIN fails at once
    while another connection to a SQLite file writes.
    """

    def __init__(self, engine: Engine, *, waits: bool = True) -> None:
        self._engine, self._waits = engine, waits
        self._connection: Connection | None = None
        self._transaction: Transaction | None = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Begin and commit a transaction."""
        connection = self._connect()
        try:
            with transaction(connection):
                yield connection
        finally:
            self._drop_invalid()

    def begin(self, work: Callable[[Connection], R]) -> R:
        """Do `work` in a transaction that `commit` ends. An error ends it too, and nothing of it remains."""
        connection = self._connect()
        try:
            with translating():
                self._transaction = connection.begin()
                return work(connection)
        except BaseException:
            self._roll_back()
            raise

    def commit(self) -> None:
        """Commit what `begin` began. After an error nothing is committed."""
        assert self._transaction
        try:
            self._transaction.commit()
            self._transaction = None
        except BaseException:
            self._roll_back()
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> Connection:
        if self._connection is None:
            with translating():
                self._connection = self._engine.connect()
                if not self._waits:
                    self._connection.connection.execute("PRAGMA busy_timeout = 0")
        return self._connection

    def _roll_back(self) -> None:
        ended, self._transaction = self._transaction, None
        try:
            if ended:
                ended.rollback()
        except Exception:
            assert self._connection
            self._connection.invalidate()
        self._drop_invalid()

    def _drop_invalid(self) -> None:
        if self._connection is not None and self._connection.invalidated:
            self.close()  # the next transaction asks for a new one


def _commit(line: WriterConnection, jobs: Sequence[Job]) -> list[Any]:
    with line.transaction() as connection:
        return apply(connection, [job.work for job in jobs])


def repeated(commit: Callable[[], R]) -> R:
    """Run a transaction again while the database undoes it (StoreBusy), a few times and not for long."""
    until = time.monotonic() + REPEAT_SECONDS
    for pause in REPEAT_PAUSES:
        try:
            return commit()
        except StoreBusy:
            if time.monotonic() > until:
                raise
            time.sleep(pause * (0.5 + random()))
    return commit()


def is_failure_of_all(error: BaseException | None) -> bool:
    """Check whether the database failed, whatever it was asked for. One item alone may be too big or locked out."""
    return isinstance(error, StoreUnavailable) and not isinstance(error, StoreBusy | StoreFull)


def _failure_of_all(outcomes: Sequence[Outcome]) -> BaseException | None:
    return next((error for _, _, error in outcomes if is_failure_of_all(error)), None)


def _hand_over_results(outcomes: Sequence[Outcome]) -> None:
    if not outcomes:
        return
    loop = outcomes[0][0].get_loop()
    if not loop.is_closed():
        loop.call_soon_threadsafe(resolve, outcomes)


def resolve(outcomes: Sequence[Outcome]) -> None:
    for future, result, error in outcomes:
        if future.cancelled():
            continue  # the caller went away; the work is done all the same
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
