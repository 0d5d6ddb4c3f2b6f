"""When to try again: one mail after its refusal, the relay after its failure."""

from collections.abc import Callable
from datetime import timedelta

DELAYS = (2, 5, 15, 30, 60, 120, 300)  # seconds after the first, second ... attempt
LAST_DELAY = 900  # after all extra ones
MAX_PROBE = 30.0


def backoff(attempts: int, random: float) -> timedelta:
    """Return how long a mail waits after an attempt (from 1). `random` in [0, 1) spreads it by 20 %."""
    delay = DELAYS[attempts - 1] if attempts <= len(DELAYS) else LAST_DELAY
    return timedelta(seconds=delay * (0.8 + 0.4 * random))


def waited(attempts: int) -> timedelta:
    """Return how long a mail has waited between its attempts: its age without the time that we held it."""
    extra = max(0, attempts - 1 - len(DELAYS))
    return timedelta(seconds=sum(DELAYS[: attempts - 1]) + LAST_DELAY * extra)


def probe(failures: int) -> float:
    """Return the seconds until the relay is tried again: 1, 2, 4 ... 30."""
    return min(2.0 ** min(failures - 1, 16), MAX_PROBE)


class Breaker:
    """The circuit breaker of the relay: while it is open, one mail at a time is tried.

    Times are monotonic seconds.
    """

    def __init__(self, pause: Callable[[int], float] = probe) -> None:
        self.is_open = False
        self.until = 0.0  # while open: when the next mail may be tried
        self._pause = pause
        self._failures = 0
        self._in_trial = False

    def trip(self, now: float) -> bool:
        """Open on trouble with the relay. Return True when the state changed.

        Many connections meet the same trouble at once. Only the first counts, then only a failed trial.
        """
        changed = not self.is_open
        if changed or self._in_trial:
            self.is_open, self._in_trial = True, False
            self._failures += 1
            self.until = now + self._pause(self._failures)
        return changed

    def allow_trial(self, now: float) -> bool:
        """Check whether one mail may be tried now. The next one waits, whatever the result."""
        if now < self.until:
            return False
        self._in_trial = True
        self.until = now + self._pause(self._failures)
        return True

    def skip_trial(self) -> None:
        """Allow the next trial at once, because there was no mail to try."""
        self._in_trial = False
        self.until = 0.0

    def close(self) -> bool:
        """Close, because the relay judged a mail and so works. Return True when the state changed."""
        changed = self.is_open
        self.is_open, self._in_trial, self._failures, self.until = False, False, 0, 0.0
        return changed
