"""Commits quick work on the event loop itself, one transaction at a time. For SQLite alone.

Theory of operation. Deciding and writing hold the interpreter's lock anyway, so a thread for them only adds two
changes of it to each commit. What waits at a turn of the loop is committed together. The loop never waits for a
lock: when another connection holds the database, or anything fails, the writers' thread does the same jobs again.
When commits are slow, only the COMMIT itself runs on a thread, and sessions go on beside it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Engine

from mailbot.store.database.errors import translating
from mailbot.store.writers import MAX_ITEMS, Job, Outcome, WriterConnection, Writers, apply, resolve

SLOW = 0.001  # seconds of a usual commit, from which on it leaves the loop
QUICK = 0.0005  # seconds, below which it comes back


class LoopWriter:
    """Takes jobs as `Writers` does. Every method is for the event loop's own thread."""

    def __init__(
        self, engine: Engine, writers: Writers, monotonic: Callable[[], float] = time.perf_counter
    ) -> None:
        self._line, self._writers, self._monotonic = WriterConnection(engine, waits=False), writers, monotonic
        self._jobs: deque[Job] = deque()
        self._scheduled = False
        self._under_way = 0  # jobs whose outcome another thread will tell
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="store-commit")
        self._usual, self._on_thread = 0.0, False  # seconds of a commit, and whether that is slow

    def put(self, job: Job) -> None:
        self._jobs.append(job)
        self._schedule()

    def close(self) -> None:
        """Hand what waits to the writers' thread, and close. The loop has ended by now, or ends without a turn."""
        self._committer.shutdown()
        for job in self._jobs:
            self._writers.put(job)
        self._jobs.clear()
        self._line.close()

    def _schedule(self) -> None:
        if self._jobs and not self._scheduled and not self._under_way:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        if self._under_way or not self._jobs:
            return
        jobs = [self._jobs.popleft() for _ in range(min(len(self._jobs), MAX_ITEMS))]
        try:
            results = self._line.begin(lambda connection: apply(connection, [job.work for job in jobs]))
        except Exception:
            self._hand_over(jobs)
        else:
            self._commit(jobs, results)
        self._schedule()

    def _commit(self, jobs: list[Job], results: list[Any]) -> None:
        outcomes = [(job.future, result, None) for job, result in zip(jobs, results, strict=True)]
        if not self._on_thread:
            self._end(jobs, outcomes, self._timed_commit())
            return
        self._under_way = 1
        loop = asyncio.get_running_loop()
        waiting = loop.run_in_executor(self._committer, self._timed_commit)
        waiting.add_done_callback(lambda done: self._commit_ended(jobs, outcomes, done.result()))

    def _commit_ended(self, jobs: list[Job], outcomes: Sequence[Outcome], error: Exception | None) -> None:
        self._under_way = 0
        self._end(jobs, outcomes, error)
        self._schedule()

    def _end(self, jobs: list[Job], outcomes: Sequence[Outcome], error: Exception | None) -> None:
        if error is None:
            resolve(outcomes)
        else:
            self._hand_over(jobs)

    def _timed_commit(self) -> Exception | None:
        """Commit, and note how long that usually takes. Return the error, after which nothing is committed."""
        began = self._monotonic()
        try:
            with translating():
                self._line.commit()
        except Exception as error:
            return error
        self._usual += (self._monotonic() - began - self._usual) / 8
        self._on_thread = self._usual > (QUICK if self._on_thread else SLOW)
        return None

    def _hand_over(self, jobs: list[Job]) -> None:
        """Let the writers' thread do these jobs: it waits for locks, tries again and finds the one at fault."""
        self._under_way = len(jobs)
        for job in jobs:
            job.future.add_done_callback(self._thread_ended)
            self._writers.put(job)

    def _thread_ended(self, _future: asyncio.Future[Any]) -> None:
        self._under_way -= 1
        self._schedule()
