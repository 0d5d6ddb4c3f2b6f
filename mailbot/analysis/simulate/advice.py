"""What to change, from the promises of a simulation: which were missed most and why, and where people lack."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from statistics import quantiles
from zoneinfo import ZoneInfo

from mailbot.analysis.simulate.duty import Roster, overlaps
from mailbot.analysis.simulate.promise_runs import COUNTED, Place, PromiseRuns, Run
from mailbot.analysis.simulate.staffing import Pool, Shortage, handling_time, pool_of, shortage
from mailbot.domain.policy import Policy
from mailbot.domain.worktime import between

MOST_POOLS = 5  # teams' levels whose hours are searched
FEWEST = 4  # answers from which "9 of 10" says something


class Cause(StrEnum):
    """Why a promise was missed. Of an answer it is the first that fits; of a resolution NEVER or OPEN."""

    NOBODY = "nobody_on_duty"  # of the team at that level, from the mail to the end of the promise
    FEW = "too_few_people"  # the queue of `staffing` is late too
    NEVER = "never_answered"  # in the period
    OFF_DUTY = "owner_off_duty"  # while a colleague was on duty
    LATE = "answered_late"  # somebody was there and could have answered
    OPEN = "left_open"  # answered, and not closed


@dataclass(frozen=True, slots=True)
class LadderPromises:
    """The promises of one target on one ladder, and why they were missed.

    `within`: the work time in which 9 of 10 were answered, or closed; None where too few were.
    """

    ladder: str
    target: str
    kept: int
    missed: int
    causes: Mapping[Cause, int] = field(default_factory=dict)
    within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class StepResult:
    """A step of a ladder; steps count from 1. `in_vain`: the next one came before anybody acted.

    `nobody`: of these, how often nobody at its level was on duty until then.
    """

    ladder: str
    step: int
    taken: int
    in_vain: int
    nobody: int


@dataclass(frozen=True, slots=True)
class Advice:
    """`hours` are the missed answers by the hour of the local day at which the promise ended, 24 values.

    `shortages` is None where the times of answers say nothing about people: of a synthetic load.
    """

    promises: tuple[LadderPromises, ...]
    steps: tuple[StepResult, ...]
    hours: tuple[int, ...]
    shortages: tuple[Shortage, ...] | None

    @property
    def kept(self) -> int:
        return sum(each.kept for each in self.promises)

    @property
    def missed(self) -> int:
        return sum(each.missed for each in self.promises)


def advise(found: PromiseRuns, roster: Roster, zone: str, *, recorded: bool) -> Advice:
    """Draw the conclusions. `recorded`: the answers came at the moments at which people gave them."""
    pools, short = _pools(found, roster) if recorded else ({}, {})
    runs = [run for answers in found.answers.values() for run in answers]
    causes = _causes(runs, roster)
    for place, indexes in short.items():
        lacking = [id(pools[place].runs[index]) for index in indexes]
        causes |= {run: Cause.FEW for run in lacking if causes[run] is not Cause.NOBODY}
    if not recorded:  # nobody decided when to answer
        causes = {run: cause for run, cause in causes.items() if cause is not Cause.LATE}
    return Advice(
        _promises(
            found, [*runs, *found.resolutions], causes | _open_causes(found.resolutions), roster.policy
        ),
        _steps(found),
        _hours(runs, zone),
        _shortages(pools, short, zone) if recorded else None,
    )


def _causes(runs: Iterable[Run], roster: Roster) -> dict[int, Cause]:
    """Return the cause of each missed answer by the identity of its run."""
    return {id(run): _cause(run, roster) for run in runs if run.missed}


def _open_causes(resolutions: Iterable[Run]) -> dict[int, Cause]:
    return {id(run): Cause.OPEN if run.answered else Cause.NEVER for run in resolutions if run.missed}


def _pools(found: PromiseRuns, roster: Roster) -> tuple[dict[Place, Pool], dict[Place, set[int]]]:
    everybody = handling_time((run for runs in found.answers.values() for run in runs), roster)
    pools = {}
    for place, runs in found.answers.items():
        handling = handling_time(runs, roster) or everybody
        if handling and any(run.missed for run in runs):
            pools[place] = pool_of(runs, roster, handling)
    return pools, {place: pool.short for place, pool in pools.items()}


def _shortages(pools: dict[Place, Pool], short: dict[Place, set[int]], zone: str) -> tuple[Shortage, ...]:
    worst = sorted(pools, key=lambda place: -len(short[place]))[:MOST_POOLS]
    found = [shortage(pools[place], short[place], zone) for place in worst]
    return tuple(sorted(filter(None, found), key=lambda each: -each.kept[0]))


def _cause(run: Run, roster: Roster) -> Cause:
    start, end = run.since.timestamp(), run.due_at.timestamp()
    if not roster.is_anybody_there(run.team, run.level, start, end):
        return Cause.NOBODY
    if run.ended_at is None:
        return Cause.NEVER
    if run.owner and not overlaps(roster.duty_of(run.owner), start, end):
        return Cause.OFF_DUTY
    return Cause.LATE


def _promises(
    found: PromiseRuns, runs: Sequence[Run], causes: dict[int, Cause], policy: Policy
) -> tuple[LadderPromises, ...]:
    by_key: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        by_key.setdefault((run.ladder, run.target.value), []).append(run)
    listed = []
    for ladder, target in sorted({(ladder, target) for ladder, target, _ in found.counts}):
        mine = by_key.get((ladder, target.value), [])
        why = Counter(causes[id(run)] for run in mine if id(run) in causes)
        kept, missed = (found.counts[ladder, target, late] for late in (False, True))
        listed.append(
            LadderPromises(ladder, target.value, kept, missed, dict(why.most_common()), _within(mine, policy))
        )
    order = [target.value for target in COUNTED]
    return tuple(sorted(listed, key=lambda each: (-each.missed, order.index(each.target), each.ladder)))


def _within(runs: Sequence[Run], policy: Policy) -> timedelta | None:
    spans = [
        between(policy.calendar_of(run.team), run.since, run.ended_at)
        for run in runs
        if run.ended_at and run.team in policy.teams
    ]
    if len(spans) < FEWEST:
        return None
    seconds = quantiles((span.total_seconds() for span in spans), n=10, method="inclusive")
    return timedelta(seconds=round(seconds[-1]))


def _steps(found: PromiseRuns) -> tuple[StepResult, ...]:
    results = [
        StepResult(ladder, step + 1, count, found.in_vain[ladder, step], found.unattended[ladder, step])
        for (ladder, step), count in found.steps_taken.items()
    ]
    return tuple(sorted(results, key=lambda each: (-each.in_vain, each.ladder, each.step)))


def _hours(runs: Sequence[Run], zone: str) -> tuple[int, ...]:
    hours = Counter(run.due_at.astimezone(ZoneInfo(zone)).hour for run in runs if run.missed)
    return tuple(hours[hour] for hour in range(24))
