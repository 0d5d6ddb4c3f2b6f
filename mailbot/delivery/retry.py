"""When to try again: one mail after its refusal, the relay after its failure."""

from collections.abc import Callable
from datetime import timedelta

SPANS = (2, 5, 15, 30, 60, 120, 300)  # seconds after the first, second ... attempt
LAST_SPAN = 900  # after all later ones
LONGEST_PROBE = 30.0


def backoff(attempts: int, random: float) -> timedelta:
    """Return how long a mail rests after an attempt (from 1). `random` in [0, 1) spreads it by 20 %."""
    span = SPANS[attempts - 1] if attempts <= len(SPANS) else LAST_SPAN
    return timedelta(seconds=span * (0.8 + 0.4 * random))


def rested(attempts: int) -> timedelta:
    """Return how long a mail has rested before this attempt: its age without the time that we held it."""
    later = max(0, attempts - 1 - len(SPANS))
    return timedelta(seconds=sum(SPANS[: attempts - 1]) + LAST_SPAN * later)


def probe(failures: int) -> float:
    """Return the seconds until the relay is tried again: 1, 2, 4 ... 30."""
    return min(2.0 ** min(failures - 1, 16), LONGEST_PROBE)


class Breaker:
    """Open: the relay itself is in trouble, and one mail at a time is tried. Times are monotonic seconds."""

    def __init__(self, pause: Callable[[int], float] = probe) -> None:
        self.is_open = False
        self.until = 0.0  # while open: when the next mail may be tried
        self._pause = pause
        self._failures = 0
        self._trying = False

    def trip(self, now: float) -> bool:
        """Open on trouble with the relay. Return True when the state changed.

        Many connections meet the same trouble at once. Only the first counts, and later only a trial.
        """
        news = not self.is_open
        if news or self._trying:
            self.is_open, self._trying = True, False
            self._failures += 1
            self.until = now + self._pause(self._failures)
        return news

    def trial(self, now: float) -> bool:
        """Check whether one mail may be tried now. The next one waits, whatever the result."""
        if now < self.until:
            return False
        self._trying = True
        self.until = now + self._pause(self._failures)
        return True

    def untried(self) -> None:
        """Let the next trial come at once: there was no mail to try."""
        self._trying = False
        self.until = 0.0

    def close(self) -> bool:
        """Close, because the relay judged a mail and so works. Return True when the state changed."""
        news = self.is_open
        self.is_open, self._trying, self._failures, self.until = False, False, 0, 0.0
        return news
