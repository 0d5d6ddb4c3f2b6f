"""One pass over a simulation of one policy or two: figures, compared with the record and each other."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from mailbot.analysis.simulate.compare import Changed, Path, PolicyComparison
from mailbot.analysis.simulate.engine import Outcome, Scenario, run_together
from mailbot.analysis.simulate.figures import FigureCounter, Figures
from mailbot.analysis.simulate.recorded_ticket import TicketScript
from mailbot.analysis.simulate.reproduction import Reproduction, Verdict
from mailbot.reports.figures.api import Period

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Move:
    """So many tickets went the `old` way and would go the `new` one."""

    old: Path
    new: Path
    count: int


@dataclass(frozen=True, slots=True)
class Options:
    """What is to be kept besides figures: the lines of so many tickets that go another way, and of some by
    their numbers. `levels`: in their order."""

    levels: Sequence[str]
    limit: int = SHOWN
    numbers: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """`figures` by world. `verdict`: of a world that goes by the record. With two worlds: so many tickets go
    the `same` way, the others by `moves`, the most frequent first; the first of them ticket by ticket."""

    figures: tuple[Figures, ...]
    verdict: Verdict | None
    same: int
    moves: tuple[Move, ...]
    otherwise: tuple[Changed, ...]
    wanted: tuple[Changed, ...]

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
    """`feed`: see `run_together`. `each` hears of all that happens, with the index of its world."""
    tallies = [FigureCounter(period) for _ in scenarios]
    recorded = next((index for index, scenario in enumerate(scenarios) if not scenario.punctual), None)
    twins = Reproduction(period.until)
    # One world alone is compared with itself, where anybody wants to see a ticket of it.
    alone = (0, 1) if wanted.numbers else ()
    both = PolicyComparison(period.since, wanted.limit if len(scenarios) > 1 else 0, wanted.numbers)
    for index, run, outcome in run_together(scenarios, feed, period.until):
        tallies[index].take(outcome)
        if index == recorded:
            twins.take(outcome, run.taken_until)
        for variant in (index,) if len(scenarios) > 1 else alone:
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
    )
