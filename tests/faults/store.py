"""A store that fails on demand: the real store on SQLite, its writers' threads replaced by turns of the loop.

Theory of operation. Operations, grouping, commits and translation of errors are the real ones. The fault is in
the driver: a connection whose COMMIT raises before or after it took effect, whose BEGIN raises during an outage,
which is silent while frozen, and gone for good when its node was killed.
"""

import asyncio
import sqlite3
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Engine, event

from mailbot.store import writers
from mailbot.store.store import Store
from mailbot.store.writers import Job
from tests.faults.points import Fault, Outcome, Points

FROZEN = 120.0  # seconds: longer than it takes to be counted as dead
COMMIT = 0.001  # seconds of a transaction


class Trouble:
    """The state of one node's way to the database. `now` is the loop's time."""

    def __init__(self, points: Points, now: Callable[[], float], clock: Callable[[], datetime]) -> None:
        self.points, self.now, self.clock = points, now, clock
        self.killed = False
        self.down_until = self.frozen_until = 0.0
        self.commit: Fault | None = None  # what goes wrong at the next commit
        self.begin = False  # whether the next transaction fails at once
        self.before_commit: Callable[[], None] = _nothing
        self.after_commit: Callable[[], None] = _nothing
        self.left_out: frozenset[str] = (
            frozenset()
        )  # names of operations that do nothing, to see what they are for

    @property
    def down(self) -> bool:
        return self.killed or self.now() < self.down_until

    def freeze(self) -> None:
        self.frozen_until = self.now() + FROZEN

    async def ready(self) -> None:
        """Wait while the database is frozen; for ever once the node is dead."""
        if (wait := self.frozen_until - self.now()) > 0:
            await asyncio.sleep(wait)
        if self.killed:
            await asyncio.get_running_loop().create_future()


def _nothing() -> None: ...


def lost() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("simulated: disk I/O error")
    error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_IOERR, "SQLITE_IOERR"
    return error


class FaultyConnection(sqlite3.Connection):
    trouble: Trouble

    def cursor(self, *_: Any, **__: Any) -> Any:
        return super().cursor(_Cursor)

    def commit(self) -> None:
        fault, self.trouble.commit = self.trouble.commit, None
        if fault is None or fault.done:
            self.trouble.before_commit()
            super().commit()
            self.trouble.after_commit()
        if fault:
            self.trouble.down_until = self.trouble.now() + fault.lasts
            raise lost()


class _Cursor(sqlite3.Cursor):
    def execute(self, sql: str, *parameters: Any) -> Any:
        if sql.startswith("BEGIN"):
            trouble = self.connection.trouble  # type: ignore[attr-defined]
            fails, trouble.begin = trouble.begin or trouble.down, False
            if fails:
                raise lost()
        return super().execute(sql, *parameters)


class FaultyStore(Store):
    """`trouble` decides what happens to whom."""

    def __init__(self, url: str, trouble: Trouble) -> None:
        super().__init__(url)
        self.trouble = trouble
        self.engine = _FREE[url].pop() if _FREE[url] else self._open()
        self.engine.trouble = trouble  # type: ignore[attr-defined]
        self._writers = self._quick = self._turns = _Turns(self.engine, trouble)

    def _open(self) -> Engine:
        event.listen(self.engine, "do_connect", partial(_connect, self.engine))
        event.listen(self.engine, "handle_error", _disconnected)
        return self.engine

    def close(self) -> None:
        super().close()
        _FREE[self.url].append(self.engine)

    async def write(
        self, op: Any, item: Any, *, alone: bool = False, quick: bool = False, within: float = 0.0
    ) -> Any:
        if _name(op) in self.trouble.left_out:
            return 0
        number = len(self.trouble.points.reached)
        fault = self.trouble.points.reach(f"write {_name(op)}")
        await self.trouble.ready()
        self._turns.next_fault = fault
        result = await super().write(op, item, alone=alone)
        return self.trouble.points.note(number, result)

    async def read(self, query: Any, *args: Any, patience: timedelta | None = None) -> Any:
        number = len(self.trouble.points.reached)
        fault = self.trouble.points.reach(f"read {_name(query)}")
        await self.trouble.ready()
        if fault and fault.freezes:
            self.trouble.freeze()
        elif fault and fault.kills:
            self.trouble.killed = True
        elif fault:
            self.trouble.begin = True
            self.trouble.down_until = self.trouble.now() + fault.lasts
        await self.trouble.ready()
        return self.trouble.points.note(number, await super().read(query, *args, patience=patience))


# Engines of nodes that ended, by URL: they have compiled our statements, which takes longer than running them.
_FREE: defaultdict[str, list[Engine]] = defaultdict(list)


def _connect(engine: Engine, _dialect: Any, _record: Any, cargs: Any, cparams: Any) -> sqlite3.Connection:
    trouble: Trouble = engine.trouble  # type: ignore[attr-defined]
    if trouble.down:
        raise lost()
    connection = sqlite3.connect(*cargs, factory=FaultyConnection, **cparams)
    connection.trouble = trouble
    connection.create_function("julianday", 1, lambda _: _julian(trouble.clock()))
    return connection


def _name(work: Any) -> str:
    return getattr(work, "__name__", type(work).__name__)


def _julian(moment: datetime) -> float:
    return moment.timestamp() / 86400 + 2440587.5


def _disconnected(context: Any) -> None:
    if str(context.original_exception).startswith("simulated"):
        context.is_disconnect = True


class _Turns(writers.Writers):
    """Writers without threads: what waits is committed in a turn of the event loop."""

    def __init__(self, engine: Any, trouble: Trouble) -> None:
        super().__init__(engine, 0)
        self.next_fault: Fault | None = None  # belongs to the job that is put next
        self._trouble, self._line = trouble, writers.WriterConnection(engine)
        self._short: list[Job] = []
        self._later: deque[Job] = deque()
        self._faults: dict[asyncio.Future[Any], Fault] = {}
        self._scheduled = False

    def put(self, job: Job) -> None:
        fault, self.next_fault = self.next_fault, None
        if fault:
            self._faults[job.future] = fault
        if job.alone:
            self._later.append(job)
        else:
            self._short.append(job)
        self._schedule(COMMIT)

    def close(self) -> None:
        self._line.close()

    def _schedule(self, seconds: float) -> None:
        if not self._scheduled and not self._trouble.killed:
            self._scheduled = True
            asyncio.get_running_loop().call_later(seconds, self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        if (wait := self._trouble.frozen_until - self._trouble.now()) > 0:
            return self._schedule(wait)
        short, self._short = self._short, []
        fault = self._next_fault(short or list(self._later)[:1])
        if fault and fault.outcome is Outcome.NEVER:
            self._keep_silent(fault, short)
        elif not self._trouble.killed:
            self._trouble.commit = fault
            writers._hand_over_results(self._work(self._line, short, self._later))
        if self._later:
            self._schedule(COMMIT)
        return None

    def _next_fault(self, jobs: list[Job]) -> Fault | None:
        return next((found for job in jobs if (found := self._faults.pop(job.future, None))), None)

    def _keep_silent(self, fault: Fault, short: list[Job]) -> None:
        outcomes = self._work(self._line, short, self._later) if fault.done else []
        if fault.kills:
            self._trouble.killed = True
            return
        self._trouble.freeze()
        asyncio.get_running_loop().call_later(FROZEN, self._thaw, short, outcomes)

    def _thaw(self, short: list[Job], outcomes: list[writers.Outcome]) -> None:
        """Go on where the database froze: with what it had done, or with the same jobs."""
        if not self._trouble.killed:
            writers._hand_over_results(outcomes or self._work(self._line, short, self._later))
