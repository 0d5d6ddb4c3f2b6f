"""A model of the queues of one daemon: when are mails acknowledged that come in bursts, or while the relay is down?

One server (the core that decides) takes what waits: new mail first, then acknowledgements, then other mail, each by
age. A relay that is down is tried again after 1, 2, 4 ... 30 s, as `delivery/retry.probe` has it. All is virtual time.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from random import Random

from mailbot.delivery.retry import probe

NEW, ACKNOWLEDGEMENT, OTHER = range(3)  # in the order in which they are served


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds of the one server: to take a mail (until it is filed), and to send one. `sent` for each one taken."""

    take: float
    send: float
    sent: int = 2

    @property
    def rate(self) -> float:
        """Return the mails a second that can be taken and answered for ever."""
        return 1 / (self.take + self.sent * self.send)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`waits`: seconds from arrival to acknowledgement. `most`: mails to send that waited when the relay came back.

    `caught_up_at`: when none of these waited any more. `empty_at`: when all was done.
    """

    waits: Sequence[float]
    most: int
    caught_up_at: float
    empty_at: float


def arrivals(phases: Sequence[tuple[float, float]], seed: int) -> list[float]:
    """Draw moments of mails at random: (mails a second, for so many seconds) one phase after the other."""
    random, begin, found = Random(seed), 0.0, []
    for rate, seconds in phases:
        at = begin + random.expovariate(rate)
        while at < begin + seconds:
            found.append(at)
            at += random.expovariate(rate)
        begin += seconds
    return found


def play(moments: Sequence[float], costs: Costs, down: tuple[float, float] = (inf, inf)) -> Outcome:
    """Serve mails that come at these moments; the relay takes nothing from `down[0]` to `down[1]`."""
    waiting: list[tuple[int, float]] = []  # kind, arrival of the mail that it belongs to
    waits: list[float] = []
    back_at = next(at for at in _trials(down[0]) if at >= down[1]) if down[0] < inf else inf
    now, caught_up_at, most, owed, index = 0.0, 0.0, 0, 0, 0
    while index < len(moments) or waiting:
        while index < len(moments) and moments[index] <= now:
            heapq.heappush(waiting, (NEW, moments[index]))
            index += 1
        may_send = not down[0] <= now < back_at
        most = owed if down[0] <= now < down[1] else most
        if not waiting or (waiting[0][0] != NEW and not may_send):
            coming = moments[index] if index < len(moments) else inf
            now = min(coming, back_at if waiting else inf)
            continue
        kind, arrived_at = heapq.heappop(waiting)
        now += costs.take if kind == NEW else costs.send
        owed += costs.sent if kind == NEW else -1
        if kind == NEW:
            heapq.heappush(waiting, (ACKNOWLEDGEMENT, arrived_at))
            for _ in range(costs.sent - 1):
                heapq.heappush(waiting, (OTHER, arrived_at))
        elif kind == ACKNOWLEDGEMENT:
            waits.append(now - arrived_at)
        if not owed and now >= back_at and not caught_up_at:
            caught_up_at = now
    return Outcome(sorted(waits), most, caught_up_at, now)


def _trials(begin: float) -> Iterator[float]:
    """Yield the moments at which a relay that went down at `begin` is tried again."""
    at, failures = begin, 0
    while True:
        failures += 1
        at += probe(failures)
        yield at
