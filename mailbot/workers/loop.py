"""The loop that runs every background worker: run once, then rest until woken, stopped or due again.

Theory of operation. A worker's `run_once` does one piece of work and returns how long it may rest. The loop
calls it, catches whatever it raises, backs off, and calls it again. The daemon keeps all that it starts in
one list and stops it stage by stage, so that mail in hand moves on while nothing new comes in.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from datetime import timedelta
from typing import Any, Literal, Protocol, TypeVar, get_args

from mailbot import log
from mailbot.errors import StoreUnavailable

T = TypeVar("T")

# When the daemon stops something, in this order. IMAP folders come before the SMTP listener: a fetch is cut
# off within a second and loses nothing, while open SMTP sessions are waited for.
StopStage = Literal["fetch", "accept", "process", "deliver", "background"]
STOP_ORDER: tuple[StopStage, ...] = get_args(StopStage)
PATIENCE = timedelta(minutes=2)


class Stoppable(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def stop_stage(self) -> StopStage: ...


class Worker(Stoppable, Protocol):
    """Something done again and again. `run_once` returns how long it may rest (seconds or a span)."""

    async def run_once(self) -> timedelta | float: ...


class Service(Stoppable, Protocol):
    """What the daemon starts and stops: a loop, a listener. `stop` returns within `span`, if it can."""

    async def start(self) -> None: ...

    async def stop(self, span: timedelta) -> None: ...


async def _nothing(span: timedelta) -> None: ...


def backoff(failures: int) -> float:
    """Return the seconds to rest after so many failed turns in a row: 0.25, 0.5, 1, ... 15."""
    return min(0.25 * 2.0 ** min(failures - 1, 16), 15.0)


class Loop:
    """A service that runs one worker until it is stopped. Only here any exception is caught.

    `patience`: how long one turn may take before the loop counts as stuck. `grace`: how long `stop` waits for
    the turn under way before it cancels it; None waits for its end. `on_stop` is awaited after the last turn,
    with the span that is left. Every method is for the event loop's own thread; another thread wakes with
    `event_loop.call_soon_threadsafe(loop.wake)`.
    """

    def __init__(
        self,
        worker: Worker,
        *,
        patience: timedelta = PATIENCE,
        grace: timedelta | None = None,
        on_stop: Callable[[timedelta], Awaitable[None]] = _nothing,
        backoff: Callable[[int], float] = backoff,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.stop_stage = worker.name, worker.stop_stage
        self.turned_at = monotonic()  # when the last turn ended, good or bad
        self._worker = worker
        self._patience = patience.total_seconds()
        self._grace = grace.total_seconds() if grace else None
        self._on_stop, self._backoff, self._monotonic = on_stop, backoff, monotonic
        self._failures = 0
        self._expected_by = math.inf  # the loop counts as stuck when it has not moved on by then
        self._woken = asyncio.Event()
        self._stopped = asyncio.Event()
        self._task: asyncio.Task[None] | None = None  # kept: a resting task without a reference is collected

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self.name)

    def wake(self) -> None:
        """Ask for a turn now, or for another one after the turn that is under way."""
        self._woken.set()

    async def stop(self, span: timedelta = timedelta()) -> None:
        """Let the turn under way finish, start no other, then release what the worker holds."""
        self._stopped.set()
        self._woken.set()
        if self._task:
            try:
                async with asyncio.timeout(self._grace):
                    await self._task
            except TimeoutError:
                pass  # the timeout has cancelled the task
        await self._on_stop(span)

    def healthy(self, now: float) -> bool:
        """Return whether it moves. A rest and a back-off count; an endless turn and a dead task do not."""
        return now <= self._expected_by

    async def _run(self) -> None:
        while not self._stopped.is_set():
            self._woken.clear()  # before the work: a wake that comes during it asks for another turn
            self._expect_within(self._patience)
            delay, interruption = await self._turn()
            self.turned_at = self._monotonic()
            self._expect_within(delay + self._patience)
            await _wait_for(interruption, delay)
        self._expect_within(math.inf)

    async def _turn(self) -> tuple[float, asyncio.Event]:
        """Run the worker once. Return the seconds to rest, and the event that ends the rest early."""
        try:
            delay = _seconds(await self._worker.run_once())
        except Exception as error:
            self._failures += 1
            pause = self._backoff(self._failures)
            log.loop_failed(name=self.name, error=error, retry_in=pause)
            return pause, self._stopped  # new work must not hurry a loop that fails
        self._failures = 0
        return delay, self._woken

    def _expect_within(self, seconds: float) -> None:
        self._expected_by = self._monotonic() + seconds


async def stop_all(services: Iterable[Service], within: timedelta) -> None:
    """Stop services stage by stage, those of one stage at once. A failure is logged and stops no other."""
    end = time.monotonic() + within.total_seconds()
    waiting = list(services)
    for stage in STOP_ORDER:
        span = timedelta(seconds=max(1.0, end - time.monotonic()))
        group = [service for service in waiting if service.stop_stage == stage]
        results = await asyncio.gather(*(service.stop(span) for service in group), return_exceptions=True)
        for service, result in zip(group, results, strict=True):
            if isinstance(result, BaseException):
                log.stop_failed(name=service.name, error=result)


async def process_isolating_failures(
    items: Sequence[T],
    process: Callable[[Sequence[T]], Awaitable[None]],
    park: Callable[[T, Exception], Awaitable[None]],
) -> None:
    """Process all items at once. When that fails, process each alone and park the one that fails (P5).

    Raises StoreUnavailable: that is no item's fault. The loop tries what is left again later.
    """
    try:
        return await process(items)
    except StoreUnavailable:
        raise
    except Exception as error:
        if len(items) == 1:
            return await park(items[0], error)
    for item in items:
        await process_isolating_failures([item], process, park)
    return None


async def all_of(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run all to their end, beside each other, then raise what failed first."""
    results = await asyncio.gather(*works, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [each for each in results if not isinstance(each, BaseException)]


def stuck(loops: Iterable[Loop], now: float) -> list[str]:
    """Return the names of the loops that do not move. `now` is monotonic."""
    return [loop.name for loop in loops if not loop.healthy(now)]


def _seconds(span: timedelta | float) -> float:
    return span.total_seconds() if isinstance(span, timedelta) else span


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
