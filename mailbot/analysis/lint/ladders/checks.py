"""Ladders, people and money: all that is asked of them, on one ground."""

from collections.abc import Callable, Iterator

from mailbot.analysis.lint import unused
from mailbot.analysis.lint.context import Ground
from mailbot.analysis.lint.finding import Finding
from mailbot.analysis.lint.ladders import approval_gaps, duty_gaps, ends, idle_steps
from mailbot.analysis.lint.ladders.cases import Desk, desk

CHECKS: tuple[Callable[[Desk], Iterator[Finding]], ...] = (
    idle_steps.find,
    ends.find,
    duty_gaps.find,
    approval_gaps.find,
    unused.find,
)


def find(ground: Ground) -> Iterator[Finding]:
    """Everything, with the mail that leads there and the moment or the amount at which the engine says so."""
    here = desk(ground)
    for check in CHECKS:
        yield from check(here)
