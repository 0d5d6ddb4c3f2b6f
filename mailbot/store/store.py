"""The store: one way to write and one way to read, on threads of our own.

Every write is an operation `op(connection, items) -> results` over a list. So a few bulk statements in one
transaction do what many callers asked for (`writers`).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy.exc import DBAPIError

from mailbot.store.engine import is_sqlite, open_engine, translated
from mailbot.store.writers import I, Job, Op, R, Writers, apply

POSTGRES_WRITERS = 4


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
        self._writers = Writers(self.engine, writers)
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="store-reader")

    async def write(self, op: Op[I, R], item: I, *, alone: bool = False) -> R:
        """Apply `op` to `item`; it is committed when this returns. Long work asks to be `alone`.

        Raises StoreUnavailable or StoreFull (nothing was written), or what `op` raised for this item alone.
        """
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._writers.put(Job(op, item, future, alone))
        return await future

    def write_now(self, op: Op[I, R], item: I) -> R:
        """Write in the caller's own thread."""
        try:
            with self.engine.begin() as connection:
                return apply(connection, [(op, item)])[0]  # type: ignore[no-any-return]
        except DBAPIError as error:
            raise translated(error) from error

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
        """Finish the work in the queue, then close the database."""
        self._writers.close()
        self._readers.shutdown()
        self.engine.dispose()
