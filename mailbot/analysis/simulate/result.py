"""One pass over a simulation of one policy or two: figures, compared with the record and each other."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from mailbot.analysis.simulate.compare import Both, Otherwise, Way
from mailbot.analysis.simulate.engine import Happened, World, together
from mailbot.analysis.simulate.figures import Figures, Tally
from mailbot.analysis.simulate.recorded_ticket import Life
from mailbot.analysis.simulate.reproduction import Twins, Verdict
from mailbot.reports.figures.api import Period

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Move:
    """So many tickets went the `old` way and would go the `new` one."""

    old: Way
    new: Way
    count: int


@dataclass(frozen=True, slots=True)
class Wanted:
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
    otherwise: tuple[Otherwise, ...]
    wanted: tuple[Otherwise, ...]

    @property
    def changed(self) -> int:
        return sum(each.count for each in self.moves)


def watch(
    worlds: Sequence[World],
    feed: Iterable[Sequence[Life]],
    period: Period,
    wanted: Wanted,
    each: Callable[[int, Happened], None] | None = None,
) -> Result:
    """`feed`: see `together`. `each` hears of all that happens, with the index of its world."""
    tallies = [Tally(period) for _ in worlds]
    recorded = next((index for index, world in enumerate(worlds) if not world.punctual), None)
    twins = Twins(period.until)
    # One world alone is compared with itself, where anybody wants to see a ticket of it.
    alone = (0, 1) if wanted.numbers else ()
    both = Both(period.since, wanted.limit if len(worlds) > 1 else 0, wanted.numbers)
    for index, run, happened in together(worlds, feed, period.until):
        tallies[index].take(happened)
        if index == recorded:
            twins.take(happened, run.taken_until)
        for side in (index,) if len(worlds) > 1 else alone:
            both.take(side, happened)
        if each is not None and happened.at >= period.since:
            each(index, happened)
    return Result(
        figures=tuple(tally.figures(wanted.levels) for tally in tallies),
        verdict=None if recorded is None else twins.verdict,
        same=both.same,
        moves=tuple(Move(*ways, count) for ways, count in both.moves.most_common()),
        otherwise=tuple(both.otherwise),
        wanted=tuple(both.wanted),
    )
