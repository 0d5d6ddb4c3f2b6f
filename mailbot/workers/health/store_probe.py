"""Measures the heartbeat's commit: whether the store takes writes, and how long they wait."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mailbot.errors import StoreUnavailable
from mailbot.workers.health.troubles import LONG_WRITE, Trouble, silent_store


class StoreProbe:
    """What the newest commit of the heartbeat showed.

    It goes through the same queue, thread and connection as a mail, so it meets whatever a mail meets. Only
    one is under way at a time: nothing piles up behind a store that hangs.
    """

    def __init__(
        self,
        *,
        on_failure: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_failure, self._monotonic = on_failure, monotonic
        self._began: float | None = None  # of the write under way
        self._took = 0.0
        self._error = ""  # why the newest write failed

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Measure the write inside."""
        self._began = self._monotonic()
        try:
            yield
            self._error = ""
        except StoreUnavailable as error:
            self._error = " ".join(str(error).split())[:200] or type(error).__name__
            self._on_failure()
            raise
        finally:
            self._took, self._began = self._monotonic() - self._began, None

    @property
    def seconds(self) -> float:
        """Return how long the write under way has waited, or how long the newest one took."""
        return self._waiting or self._took

    @property
    def hangs(self) -> bool:
        """Check whether a write waits for the store, longer than any should."""
        return self._waiting > LONG_WRITE

    def trouble(self) -> Trouble | None:
        return silent_store(self._waiting, self._error)

    @property
    def _waiting(self) -> float:
        return 0.0 if self._began is None else self._monotonic() - self._began
