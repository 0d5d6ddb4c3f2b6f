"""An event loop with a clock of its own: what sleeps is due as soon as nothing else moves, without threads.

Theory of operation. `select` never waits: the time that asyncio asks it to wait is added to the clock. Work for
another thread is done at once. Connections lead to in-memory servers, so nothing of a run depends on the machine.
"""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any

# (protocol factory, node) -> what `create_connection` returns
Dial = Callable[[Callable[[], asyncio.BaseProtocol]], Awaitable[tuple[asyncio.Transport, Any]]]


class NothingMoves(Exception):
    """Everything waits for something that will never come."""


class _Selector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        events = super().select(0)
        if not events:
            if timeout is None:
                raise NothingMoves
            self.now += max(timeout, 0.0)
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """`dial` opens connections, whatever their host and port."""

    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)
        self.dial: Dial | None = None

    def time(self) -> float:
        return self._clock.now

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    async def create_connection(self, protocol_factory: Any, *_: Any, **__: Any) -> Any:
        assert self.dial
        return await self.dial(protocol_factory)
