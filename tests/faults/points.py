"""Numbers every await on the store and on the relay, and says what goes wrong at one of them.

Theory of operation. A run without a fault counts the points. Then each point is run again with each outcome. How
long the trouble lasts, and whether a transaction that never answers was committed, is drawn from the seed.
"""

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import TypeVar

T = TypeVar("T")

PACKAGE = str(Path(__file__).parents[2] / "mailbot")
ROOT = len(str(Path(__file__).parents[2])) + 1
BELOW = ("/store/store.py", "/store/writers.py", "/store/engine.py")  # every await on the store passes here


# Where no line of mailbot is on the stack: `wait_for` connects in a task of its own, and `World` starts nodes.
ELSEWHERE = {
    "relay": "mailbot/delivery/smtp_client.py open_session",
    "chat": "mailbot/workers/channels/reader.py run_once",  # events are read beside each other, in tasks
    "write": "mailbot/daemon.py start",
    "read": "mailbot/daemon.py start",
}


class Outcome(StrEnum):
    BEFORE = "raise before"  # nothing was done, and the caller learns of an error
    AFTER = "raise after commit"  # it was done, and the caller learns of an error
    NEVER = "never return"  # done or not, the caller learns nothing


class Silence(StrEnum):
    """What stands behind an await that never returns."""

    KILLED = "killed before"
    KILLED_AFTER = "killed after commit"
    FROZEN = "frozen before"
    FROZEN_AFTER = "frozen after commit"


@dataclass(frozen=True, slots=True)
class Point:
    number: int
    action: str  # what is awaited: "write claim", "relay finish"
    place: str  # file:line of the await, and of its caller

    def __str__(self) -> str:
        return f"point {self.number} ({self.action}) at {self.place}"


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong at one point. `lasts`: seconds of an outage that begins there, 0 for this await alone."""

    point: int
    outcome: Outcome
    lasts: float
    silence: Silence

    @property
    def done(self) -> bool:
        """Return whether the work of this await took effect all the same."""
        after = self.silence in (Silence.KILLED_AFTER, Silence.FROZEN_AFTER)
        return self.outcome is Outcome.AFTER or (self.outcome is Outcome.NEVER and after)

    @property
    def kills(self) -> bool:
        return self.outcome is Outcome.NEVER and self.silence in (Silence.KILLED, Silence.KILLED_AFTER)

    @property
    def freezes(self) -> bool:
        return self.outcome is Outcome.NEVER and not self.kills

    def __str__(self) -> str:
        if self.outcome is Outcome.NEVER:
            return f"{self.outcome} ({self.silence})"
        return f"{self.outcome} ({f'outage of {self.lasts:g} s' if self.lasts else 'once'})"


OUTAGES = (0.0, 0.0, 5.0, 90.0)  # seconds; the listener itself gives up after 55


def fault(point: int, outcome: Outcome, seed: int) -> Fault:
    random = Random(f"{seed} {point} {outcome}")
    return Fault(point, outcome, random.choice(OUTAGES), random.choice(list(Silence)))


class Points:
    """Counts the points of one run, and hands out the fault when its point is reached."""

    def __init__(self, planned: Fault | None = None) -> None:
        self.reached: list[Point] = []
        self.idle: set[int] = set()  # points whose await found nothing to do
        self.planned = planned
        self.counting = True

    def reach(self, action: str) -> Fault | None:
        """Count a point. Returns what goes wrong there, None where nothing does."""
        if not self.counting:
            return None
        self.reached.append(Point(len(self.reached), action, place() or ELSEWHERE[action.split()[0]]))
        planned = self.planned
        return planned if planned and planned.point == self.reached[-1].number else None

    def note(self, number: int, result: T) -> T:
        """Note whether an await found something to do: rows, a count."""
        if result == 0 or result == [] or result == {}:
            self.idle.add(number)
        return result

    def selected(self) -> list[Point]:
        """Return the points that did something, and of those that found nothing one for each place."""
        looked = set[str]()
        found = []
        for point in self.reached:
            idle = point.number in self.idle or point.action.startswith("read")
            key = f"{point.place} {point.number in self.idle}"
            if not idle or key not in looked:
                found.append(point)
            if idle:
                looked.add(key)
        return found


def place() -> str:
    """Return file:line of the await and of its caller, in mailbot."""
    found: list[str] = []
    frame = sys._getframe(2)
    while frame and len(found) < 2:
        file = frame.f_code.co_filename
        if file.startswith(PACKAGE) and not file.endswith(BELOW):
            found.append(f"{file[ROOT:]}:{frame.f_lineno} {frame.f_code.co_name}")
        frame = frame.f_back  # type: ignore[assignment]
    return " < ".join(found)
