"""What is wrong with a policy, proven, without having seen a mail: see `check`."""

from collections.abc import Callable, Iterator
from datetime import date

from mailbot.core.analysis import dead, desk, gaps, order, overridden, phrases
from mailbot.core.analysis.budget import Budget as Budget
from mailbot.core.analysis.finding import GRAVITY as GRAVITY
from mailbot.core.analysis.finding import Finding as Finding
from mailbot.core.analysis.finding import Severity as Severity
from mailbot.core.analysis.finding import Spot as Spot
from mailbot.core.analysis.finding import Witness as Witness
from mailbot.core.analysis.finding import faults as faults
from mailbot.core.analysis.ground import Ground, ground
from mailbot.core.policy import Policy

Check = Callable[[Ground], Iterator[Finding]]
Checks = tuple[Check, ...]

# In this order: what is found dead first is not asked again.
CHECKS: Checks = (
    dead.find,
    overridden.find,
    phrases.find,
    order.find,
    gaps.find,
    desk.find,
)
every_pair: Check = order.every  # beside these: all pairs of rules whose order alone decides


def check(
    policy: Policy,
    budget: Budget | None = None,
    checks: Checks = CHECKS,
    since: date | None = None,
) -> list[Finding]:
    """Everything found, by file and place. What the budget did not reach is "not decided".

    `since`: the first day of the year of which holidays and days off are looked at; None looks at none.
    """
    at = ground(policy, budget or Budget(), since)
    found = [finding for each in checks for finding in each(at)]
    once = {(each.kind, each.spot, each.names): each for each in found}
    return sorted(once.values(), key=_place)


def _place(finding: Finding) -> tuple[str, list[str]]:
    return finding.spot.file, [f"{part:>8}" for part in finding.spot.path]
