"""All checks of ladders, people and limits."""

from collections.abc import Callable, Iterator

from mailbot.analysis.lint.finding import Finding
from mailbot.analysis.lint.ladders import (
    approval_gaps,
    desks,
    duty_gaps,
    idle_steps,
    ladder_ends,
    odd_hours,
    timing,
    unused,
)
from mailbot.analysis.lint.ladders.ladder_cases import LadderContext, build_context
from mailbot.analysis.lint.rule_context import RuleContext

CHECKS: tuple[Callable[[LadderContext], Iterator[Finding]], ...] = (
    idle_steps.find,
    ladder_ends.find,
    timing.find,
    odd_hours.find,
    duty_gaps.find,
    desks.find,
    approval_gaps.find,
    unused.find,
)


def find(base: RuleContext) -> Iterator[Finding]:
    """List all findings, each with its mail and the moment or the amount that shows it."""
    context = build_context(base)
    for check in CHECKS:
        yield from check(context)
