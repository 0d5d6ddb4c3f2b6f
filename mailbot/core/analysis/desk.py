"""Ladders, people and money: all that is asked of them, on one ground."""

from collections.abc import Callable, Iterator

from mailbot.core.analysis import cover, endings, grants, rungs, unused
from mailbot.core.analysis.climbs import Desk, desk
from mailbot.core.analysis.finding import Finding
from mailbot.core.analysis.ground import Ground

CHECKS: tuple[Callable[[Desk], Iterator[Finding]], ...] = (
    rungs.find,
    endings.find,
    cover.find,
    grants.find,
    unused.find,
)


def find(ground: Ground) -> Iterator[Finding]:
    """Everything, with the mail that leads there and the moment or the amount at which the engine says so."""
    here = desk(ground)
    for check in CHECKS:
        yield from check(here)
