"""The store: one way to write and one way to read, on threads of our own.

Every write is an operation `op(connection, items) -> results` over a list. So a few bulk statements in one
transaction do what many callers asked for (`writers`).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

from mailbot.errors import StoreUnavailable
from mailbot.store.database.errors import transaction, translating
from mailbot.store.database.loop_writer import LoopWriter
from mailbot.store.database.postgresql import allowing
from mailbot.store.engine import is_sqlite, open_engine
from mailbot.store.webhooks.feed import OPTION
from mailbot.store.writers import I, Job, Op, R, Writers, apply, repeated

POSTGRES_WRITERS = 4
MOST_RIDERS = 64  # jobs that wait for another transaction at most
PATIENCE = timedelta(seconds=30)  # a database that is silent for so long is given up


class Store:
    """An open database: `write`, `read` for coroutines, `write_now`, `read_now` for the command line.

    `patience`: how long a statement may take. `feeds`: asked at each record whether webhooks hear of events.
    """

    def __init__(
        self, url: str, patience: timedelta = PATIENCE, *, feeds: Callable[[], bool] | None = None
    ) -> None:
        self.url = url
        self.sqlite = is_sqlite(url)
        writers = 1 if self.sqlite else POSTGRES_WRITERS
        engine = open_engine(url, writers=writers + 2, patience=patience)
        self.engine = engine.execution_options(**{OPTION: feeds}) if feeds else engine
        self._patience = patience
        # One state for all statements of a query; PostgreSQL would show each of them a newer one.
        self._reading = (
            {"sqlite_begin": "DEFERRED"} if self.sqlite else {"isolation_level": "REPEATABLE READ"}
        )
        self._writers = Writers(self.engine, writers)
        self._quick = LoopWriter(self.engine, self._writers) if self.sqlite else self._writers
        self._riders: list[Job] = []  # what may wait for the next transaction
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="store-reader")

    async def write(
        self, op: Op[I, R], item: I, *, alone: bool = False, quick: bool = False, within: float = 0.0
    ) -> R:
        """Apply `op` to `item`; it is committed when this returns.

        Long work asks to be `alone`. Work of a few milliseconds says that it is `quick`, and may wait `within`
        seconds for another transaction to join.
        Raises StoreUnavailable or one of its kinds, or what `op` raised for this item alone.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        job = Job(op, item, future, alone)
        if within:
            if not self._riders:
                loop.call_later(within, self._put_riders)
            self._riders.append(job)
            if len(self._riders) >= MOST_RIDERS:
                self._put_riders()
        elif quick:
            self._quick.put(job)
            self._put_riders()
        else:
            self._writers.put(job)
        return await future

    def _put_riders(self) -> None:
        for job in self._riders:
            self._quick.put(job)
        self._riders.clear()

    def write_now(self, op: Op[I, R], item: I) -> R:
        """Write in the caller's own thread."""

        def write() -> R:
            with translating(), self.engine.connect() as connection, transaction(connection):
                return apply(connection, [(op, item)])[0]  # type: ignore[no-any-return]

        return repeated(write)

    async def read(self, query: Callable[..., R], *args: Any, patience: timedelta | None = None) -> R:
        """`query(connection, *args)` on a reader's thread, seeing one consistent state.

        Raises StoreUnavailable, also when no answer comes in time. Long queries ask for more `patience`.
        """
        read = partial(self.read_now, query, *args, patience=patience)
        most = 2 * (patience or self._patience)
        try:
            async with asyncio.timeout(most.total_seconds()):
                return await asyncio.get_running_loop().run_in_executor(self._readers, read)
        except TimeoutError as error:
            raise StoreUnavailable(
                f"the database did not answer within {most.total_seconds():.0f} s"
            ) from error

    def read_now(self, query: Callable[..., R], *args: Any, patience: timedelta | None = None) -> R:
        with translating(), self.engine.connect().execution_options(**self._reading) as connection:
            with allowing(connection, patience):
                result = query(connection, *args)
            connection.rollback()
            return result

    def close(self) -> None:
        """Finish the work in the queue, then close the database."""
        if self._quick is not self._writers:
            self._quick.close()
        self._writers.close()
        self._readers.shutdown()
        self.engine.dispose()
