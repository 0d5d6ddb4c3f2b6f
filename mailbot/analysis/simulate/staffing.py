"""How many more people on duty would have kept promises of an answer: a queue over the answers of a simulation.

Theory of operation. Each answer is a job: it comes when the clock of its promise starts, and takes as long as an
answer usually took. Whoever is on duty and free takes the job whose promise ends first. What is late even so is
late for want of people. The same queue with one person more, at the same hours of each day, shows what that
person would have kept. People are replaced at the end of their hours, so an answer may end after them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from heapq import heapify, heappop, heappush
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo

from mailbot.analysis.simulate.duty import DAY, Interval, Roster, next_on_duty
from mailbot.analysis.simulate.promise_runs import Run

SHIFTS = (2, 4, 8)  # hours a day of one person more
NEARLY = 0.9  # a shorter shift is enough when it keeps this share of what a longer one keeps
MOST_MORE = 3  # people
FEWEST = 5  # pauses between answers from which their length is known


@dataclass(frozen=True, slots=True)
class Shortage:
    """Want of people in a team at a level.

    `missed` promises were missed for it. `kept` says how many of them one person more would have kept, two, and
    so on, from `begins` to `ends` on the clock, each day. `handling` is the usual time of an answer.
    """

    team: str
    level: str
    missed: int
    handling: timedelta
    begins: int
    ends: int
    kept: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """An answer to give, in seconds since 1970."""

    ready: float
    due: float


def handling_time(runs: Iterable[Run], roster: Roster) -> timedelta | None:
    """Return the median time between two answers of an agent on duty with work waiting; None when unknown."""
    by_agent: dict[str, list[Run]] = {}
    for run in runs:
        if run.ended_at and run.agent:
            by_agent.setdefault(run.agent, []).append(run)
    pauses = [pause for answered in by_agent.values() for pause in _pauses(answered, roster)]
    return timedelta(seconds=median(pauses)) if len(pauses) >= FEWEST else None


def _pauses(answered: Sequence[Run], roster: Roster) -> Iterator[float]:
    duty = roster.duty_of(answered[0].agent)
    moments = sorted((run.ended_at.timestamp(), run.since.timestamp()) for run in answered if run.ended_at)
    for (earlier, _), (later, ready) in pairwise(moments):
        waited = ready <= earlier < later
        if waited and any(start <= earlier and later <= end for start, end in duty):
            yield later - earlier


def serve(jobs: Sequence[Job], duties: Sequence[Sequence[Interval]], handling: float) -> set[int]:
    """Run the queue over `jobs`, which are ordered by `ready`. Return the indexes of those that are late."""
    late = set(range(len(jobs)))
    free = [(jobs[0].ready if jobs else 0.0, person) for person in range(len(duties))]
    heapify(free)
    waiting: list[tuple[float, int]] = []
    coming = 0
    while free and (waiting or coming < len(jobs)):
        at, person = heappop(free)
        begins = next_on_duty(duties[person], at)
        if begins is None:
            continue  # not on duty again
        if begins > at:
            heappush(free, (begins, person))
            continue
        while coming < len(jobs) and jobs[coming].ready <= at:
            heappush(waiting, (jobs[coming].due, coming))
            coming += 1
        if not waiting:
            if coming < len(jobs):
                heappush(free, (jobs[coming].ready, person))
            continue
        due, job = heappop(waiting)
        if at + handling < due:  # the engine takes the deadline first where both are equal
            late.discard(job)
        heappush(free, (at + handling, person))
    return late


@dataclass(frozen=True, slots=True)
class Pool:
    """The answers of a team's level, ordered by their begin, with those who give them."""

    runs: Sequence[Run]
    jobs: Sequence[Job]
    duties: Sequence[Sequence[Interval]]
    handling: timedelta

    @property
    def short(self) -> set[int]:
        """Return the indexes of missed promises that more people could have kept, and those on duty could not."""
        seconds = self.handling.total_seconds()
        long_enough = {index for index, job in enumerate(self.jobs) if job.due - job.ready > seconds}
        return {index for index in self.late(()) & long_enough if self.runs[index].missed}

    def late(self, more: Sequence[Sequence[Interval]]) -> set[int]:
        return serve(self.jobs, (*self.duties, *more), self.handling.total_seconds())


def pool_of(runs: Iterable[Run], roster: Roster, handling: timedelta) -> Pool:
    ordered = sorted(runs, key=lambda run: run.since)
    jobs = [Job(run.since.timestamp(), run.due_at.timestamp()) for run in ordered]
    agents = roster.agents(ordered[0].team, ordered[0].level) if ordered else ()
    return Pool(ordered, jobs, [roster.duty(agent) for agent in agents], handling)


def shortage(pool: Pool, short: set[int], zone: str) -> Shortage | None:
    """Find the hours at which one person more keeps most; None when nobody could help."""
    if not short:
        return None
    since, until = pool.runs[0].since, max(run.due_at for run in pool.runs)

    def kept(hour: int, length: int, people: int = 1) -> int:
        shift = _shift(since, until, zone, hour, length)
        return len(short - pool.late([shift] * people))

    best = {length: max((kept(hour, length), hour) for hour in range(24)) for length in SHIFTS}
    length = next(each for each in SHIFTS if best[each][0] >= NEARLY * best[SHIFTS[-1]][0])
    count, hour = best[length]
    if not count:
        return None
    counts = [count]
    while len(counts) < MOST_MORE and counts[-1] < len(short):
        more = kept(hour, length, len(counts) + 1)
        if more <= counts[-1]:
            break
        counts.append(more)
    first = pool.runs[0]
    return Shortage(
        first.team, first.level, len(short), pool.handling, hour, (hour + length) % 24, tuple(counts)
    )


def _shift(since: datetime, until: datetime, zone: str, hour: int, length: int) -> list[Interval]:
    place = ZoneInfo(zone)
    day = since.astimezone(place).date() - DAY
    found = []
    while (start := datetime.combine(day, time(hour), place)) < until:
        found.append((start.timestamp(), start.timestamp() + length * 3600))
        day += DAY
    return found
