"""The one shape of every background worker: run once, then rest until woken, stopped or due again."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from typing import Protocol, TypeVar

from mailbot import log
from mailbot.errors import StoreUnavailable

I = TypeVar("I")  # noqa: E741  (an item)


class Worker(Protocol):
    """Something done again and again. `run_once` says how long it may rest (seconds or a span)."""

    @property
    def name(self) -> str: ...

    async def run_once(self) -> timedelta | float: ...


def backoff(failures: int) -> float:
    """Seconds to rest after so many failed turns in a row: 0.25, 0.5, 1, ... 15."""
    return min(0.25 * 2.0 ** min(failures - 1, 16), 15.0)


class Loop:
    """Turns one worker until it is stopped. The only place where any exception is caught: see house.md, Errors.

    `patience` is how long one turn may take before the loop no longer counts as healthy. Every method is
    for the event loop's own thread; another thread wakes with `event_loop.call_soon_threadsafe(loop.wake)`.
    """

    def __init__(
        self,
        worker: Worker,
        *,
        patience: timedelta = timedelta(minutes=2),
        backoff: Callable[[int], float] = backoff,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = worker.name
        self.turned_at = monotonic()  # when the last turn ended, good or bad
        self._worker = worker
        self._patience = patience.total_seconds()
        self._backoff = backoff
        self._monotonic = monotonic
        self._failures = 0
        self._expected_by = math.inf  # by then this loop has moved on, or it is stuck
        self._woken = asyncio.Event()
        self._stopped = asyncio.Event()
        self._task: asyncio.Task[None] | None = None  # kept: nobody else refers to a task while it rests

    def start(self) -> None:
        self._task = asyncio.create_task(self._turn(), name=self.name)

    def wake(self) -> None:
        """Asks for a turn now, or for another one after the turn that is under way."""
        self._woken.set()

    async def stop(self) -> None:
        """Lets the turn under way finish, then returns. Cancel this call to cut that turn short."""
        self._stopped.set()
        self._woken.set()
        if self._task:
            await self._task

    def healthy(self, now: float) -> bool:
        """Does it turn? Resting counts, and so does backing off; a turn without end and a dead task don't."""
        return now <= self._expected_by

    async def _turn(self) -> None:
        while not self._stopped.is_set():
            self._woken.clear()  # before the work: a wake that comes during it asks for another turn
            self._expect(self._patience)
            delay, interruption = await self._work()
            self.turned_at = self._monotonic()
            self._expect(delay + self._patience)
            await _first_of(interruption, delay)
        self._expect(math.inf)

    async def _work(self) -> tuple[float, asyncio.Event]:
        """One turn: how long to rest after it, and what may cut the rest short."""
        try:
            delay = _seconds(await self._worker.run_once())
        except Exception as error:
            self._failures += 1
            pause = self._backoff(self._failures)
            log.loop_failed(name=self.name, error=error, retry_in=pause)
            return pause, self._stopped  # new work must not hurry a loop that fails
        self._failures = 0
        return delay, self._woken

    def _expect(self, seconds: float) -> None:
        self._expected_by = self._monotonic() + seconds


async def process_isolating_failures(
    items: Sequence[I],
    work: Callable[[Sequence[I]], Awaitable[None]],
    park: Callable[[I, Exception], Awaitable[None]],
) -> None:
    """`work` on all items at once; when that fails on each alone, and `park` for the one it fails on (P5).

    Trouble with the store is nobody's fault and goes to the loop: what is left undone is done later.
    """
    try:
        return await work(items)
    except StoreUnavailable:
        raise
    except Exception as error:
        if len(items) == 1:
            return await park(items[0], error)
    for item in items:
        await process_isolating_failures([item], work, park)
    return None


def stuck(loops: Iterable[Loop], now: float) -> list[str]:
    """Names of the loops that don't turn. `now` is monotonic."""
    return [loop.name for loop in loops if not loop.healthy(now)]


def _seconds(span: timedelta | float) -> float:
    return span.total_seconds() if isinstance(span, timedelta) else span


async def _first_of(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
