"""When to try again: one mail after its refusal, the relay after its failure."""

from collections.abc import Callable
from datetime import timedelta
from enum import Enum

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


class Trouble(Enum):
    """What is wrong with the relay as a whole."""

    DOWN = "no connection, or it refuses each sender: any reply to a mail shows that it is over"
    REFUSES = "it refuses each mail for good: a mail accepted or deferred shows that it is over"
    SILENT = "it takes mail and gives no reply: a reply to a final dot shows that it is over"


class Breaker:
    """The circuit breaker of the relay: while it is open, one mail at a time is tried.

    Times are monotonic seconds. `reason` is for operators, "" while it is closed.
    """

    def __init__(self, pause: Callable[[int], float] = probe) -> None:
        self.trouble: Trouble | None = None
        self.reason = ""
        self.until = 0.0  # while open: when the next mail may be tried
        self._pause = pause
        self._failures = 0
        self._in_trial = False

    @property
    def is_open(self) -> bool:
        return self.trouble is not None

    def trip(self, now: float, reason: str, trouble: Trouble = Trouble.DOWN) -> bool:
        """Open on trouble with the relay. Return True when the trouble is new.

        Many connections meet the same trouble at once. Only the first counts, then only a failed trial.
        """
        new = self.trouble is not trouble
        if new or self._in_trial:
            self.trouble, self._in_trial = trouble, False
            self._failures += 1
            self.until = now + self._seconds()
        self.reason = reason
        return new

    def allow_trial(self, now: float) -> bool:
        """Check whether one mail may be tried now. The next one waits, whatever the result."""
        if now < self.until:
            return False
        self._in_trial = True
        self.until = now + self._seconds()
        return True

    def skip_trial(self) -> None:
        """Allow the next trial at once, because there was no mail to try."""
        self._in_trial = False
        self.until = 0.0

    def judge(self, code: int, *, at_dot: bool) -> bool:
        """Close, because this reply to a mail shows that the trouble is over. Return True when the state changed."""
        over = {Trouble.DOWN: True, Trouble.REFUSES: code < 500, Trouble.SILENT: at_dot}
        if self.trouble is None or not over[self.trouble]:
            return False
        self.trouble, self.reason, self._in_trial, self._failures, self.until = None, "", False, 0, 0.0
        return True

    def _seconds(self) -> float:
        """Return the pause. Each trial of a relay that gives no reply costs a copy: up to ten times as long."""
        pause = self._pause(self._failures)
        return pause * min(self._failures, 10) if self.trouble is Trouble.SILENT else pause
