"""What is wrong with a policy, proven, without having seen a mail: see `check`."""

from collections.abc import Callable, Iterator
from datetime import date

from mailbot.analysis.lint import dead_rules, overridden, redundant_values, rule_order, unmatched
from mailbot.analysis.lint.budget import Budget as Budget
from mailbot.analysis.lint.finding import SEVERITIES as SEVERITIES
from mailbot.analysis.lint.finding import Finding as Finding
from mailbot.analysis.lint.finding import Severity as Severity
from mailbot.analysis.lint.finding import Spot as Spot
from mailbot.analysis.lint.finding import Witness as Witness
from mailbot.analysis.lint.finding import faults as faults
from mailbot.analysis.lint.ladders import checks as ladder_checks
from mailbot.analysis.lint.rule_context import RuleContext, build_context
from mailbot.domain.policy import Policy

Check = Callable[[RuleContext], Iterator[Finding]]
Checks = tuple[Check, ...]

# In this order: what is found dead first is not asked again.
CHECKS: Checks = (
    dead_rules.find,
    overridden.find,
    redundant_values.find,
    rule_order.find,
    unmatched.find,
    ladder_checks.find,
)
all_pairs: Check = rule_order.find_all_pairs  # beside these: all pairs of rules whose order alone decides


def check(
    policy: Policy,
    budget: Budget | None = None,
    checks: Checks = CHECKS,
    since: date | None = None,
) -> list[Finding]:
    """Everything found, by file and place. What the budget did not reach is "not decided".

    `since`: the first day of the year of which holidays and days off are looked at; None looks at none.
    """
    context = build_context(policy, budget or Budget(), since)
    found = [finding for each in checks for finding in each(context)]
    once = {(each.kind, each.spot, each.names): each for each in found}
    return sorted(once.values(), key=_place)


def _place(finding: Finding) -> tuple[str, list[str]]:
    return finding.spot.file, [f"{part:>8}" for part in finding.spot.path]
