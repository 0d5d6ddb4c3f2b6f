"""One pass over a simulation of one policy or two: figures, and comparisons with the record and each
other."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from mailbot.analysis.simulate.advice import Advice, advise
from mailbot.analysis.simulate.compare import Changed, Path, PolicyComparison
from mailbot.analysis.simulate.duty import roster_of
from mailbot.analysis.simulate.engine import Outcome, Scenario, run_together
from mailbot.analysis.simulate.figures import FigureCounter, Figures
from mailbot.analysis.simulate.promise_runs import PromiseRuns
from mailbot.analysis.simulate.recorded_ticket import TicketScript
from mailbot.analysis.simulate.reproduction import Reproduction, Verdict
from mailbot.domain.policy import Policy
from mailbot.reports.figures.api import Period

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Move:
    """The number of tickets that change from path `old` to path `new`."""

    old: Path
    new: Path
    count: int


@dataclass(frozen=True, slots=True)
class Options:
    """What is kept besides figures: lines of the first `limit` changed tickets, and of those in `numbers`.

    `levels` gives the order of levels. `staff` is the policy whose agents and hours count for advice where a
    scenario has no policy of its own. `recorded`: people acted at the moments of the script.
    """

    levels: Sequence[str]
    limit: int = SHOWN
    numbers: Collection[str] = ()
    staff: Policy | None = None
    recorded: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """`figures` and `advice` by scenario (none without anybody's hours). `verdict` is for a scenario of the record.

    For two scenarios: `same` counts unchanged tickets, `moves` the others (most frequent first),
    `otherwise` has the first changed tickets.
    """

    figures: tuple[Figures, ...]
    verdict: Verdict | None
    same: int
    moves: tuple[Move, ...]
    otherwise: tuple[Changed, ...]
    wanted: tuple[Changed, ...]
    advice: tuple[Advice, ...] = ()

    @property
    def changed(self) -> int:
        return sum(each.count for each in self.moves)


def run_scenarios(
    scenarios: Sequence[Scenario],
    feed: Iterable[Sequence[TicketScript]],
    period: Period,
    wanted: Options,
    each: Callable[[int, Outcome], None] | None = None,
) -> Result:
    """Run scenarios over `feed` (see `run_together`) and count. `each` gets every outcome with the
    scenario's index."""
    tallies = [FigureCounter(period) for _ in scenarios]
    staffs = [policy for scenario in scenarios if (policy := scenario.only or wanted.staff)]
    rosters = [roster_of(policy, period) for policy in staffs] if len(staffs) == len(scenarios) else []
    promises = [PromiseRuns(roster, period.since) for roster in rosters]
    recorded = next((index for index, scenario in enumerate(scenarios) if not scenario.punctual), None)
    twins = Reproduction(period.until)
    # A single scenario is compared with itself, to show its tickets.
    single = (0, 1) if wanted.numbers else ()
    both = PolicyComparison(period.since, wanted.limit if len(scenarios) > 1 else 0, wanted.numbers)
    for index, run, outcome in run_together(scenarios, feed, period.until):
        tallies[index].take(outcome)
        if promises:
            promises[index].take(outcome)
        if index == recorded:
            twins.take(outcome, run.taken_until)
        for variant in (index,) if len(scenarios) > 1 else single:
            both.take(variant, outcome)
        if each is not None and outcome.at >= period.since:
            each(index, outcome)
    return Result(
        figures=tuple(tally.figures(wanted.levels) for tally in tallies),
        verdict=None if recorded is None else twins.verdict,
        same=both.same,
        moves=tuple(Move(*ways, count) for ways, count in both.moves.most_common()),
        otherwise=tuple(both.otherwise),
        wanted=tuple(both.wanted),
        advice=tuple(
            advise(found, roster, period.zone, recorded=wanted.recorded)
            for found, roster in zip(promises, rosters, strict=True)
        ),
    )
