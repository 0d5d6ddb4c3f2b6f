"""What is wrong with a policy, proven, without having seen a mail: see `check`."""

from collections.abc import Callable, Iterable, Iterator

from mailbot.core.analysis import dead, gaps, order, overridden, phrases
from mailbot.core.analysis.budget import Budget as Budget
from mailbot.core.analysis.finding import GRAVITY as GRAVITY
from mailbot.core.analysis.finding import Finding as Finding
from mailbot.core.analysis.finding import Severity as Severity
from mailbot.core.analysis.finding import Spot as Spot
from mailbot.core.analysis.finding import Witness as Witness
from mailbot.core.analysis.finding import faults as faults
from mailbot.core.analysis.ground import Ground, ground
from mailbot.core.policy import Policy

# In this order: what is found dead first is not asked again.
CHECKS: tuple[Callable[[Ground], Iterator[Finding]], ...] = (
    dead.find,
    overridden.find,
    phrases.find,
    order.find,
    gaps.find,
)


def check(
    policy: Policy,
    budget: Budget | None = None,
    checks: Iterable[Callable[[Ground], Iterator[Finding]]] = CHECKS,
) -> list[Finding]:
    """Everything found, in the order of the files. What the budget did not reach is "not decided"."""
    at = ground(policy, budget or Budget())
    return [finding for each in checks for finding in each(at)]
