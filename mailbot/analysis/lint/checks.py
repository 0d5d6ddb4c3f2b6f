"""The entry of the lint: prove faults of a policy before any mail has come.

Theory of operation. `formulas` turns the conditions of rules into "and" and "or" over single questions.
`search` looks for a mail that matches one rule and none of the rules above it. Its answer is an example
that the routing engine has confirmed, a proof that there is none, or "not decided". The checks of this
folder ask such questions about rules, those in `ladders` run tickets through the real escalation engine.
`text` decides what conditions on one text allow together.
"""

from collections.abc import Callable, Iterator
from datetime import date

from mailbot.analysis.lint import (
    dead_branches,
    dead_rules,
    graver_below,
    holes,
    hour_holes,
    overridden,
    redundant_values,
    rule_order,
    unmatched,
)
from mailbot.analysis.lint.budget import Budget as Budget
from mailbot.analysis.lint.finding import SEVERITIES as SEVERITIES
from mailbot.analysis.lint.finding import Finding as Finding
from mailbot.analysis.lint.finding import Severity as Severity
from mailbot.analysis.lint.finding import Spot as Spot
from mailbot.analysis.lint.finding import Witness as Witness
from mailbot.analysis.lint.finding import faults as faults
from mailbot.analysis.lint.ladders import checks as ladder_checks
from mailbot.analysis.lint.rule_context import Mails, RuleContext, build_context
from mailbot.domain.policy import Policy

Check = Callable[[RuleContext], Iterator[Finding]]
Checks = tuple[Check, ...]

# Dead rules first, then the graver ones: later checks leave out what these found.
CHECKS: Checks = (
    dead_rules.find,
    graver_below.find,
    overridden.find,
    redundant_values.find,
    dead_branches.find,
    rule_order.find,
    holes.find,
    hour_holes.find,
    unmatched.find,
    ladder_checks.find,
)
# For a reload: the others report no fault.
FAULT_CHECKS: Checks = (dead_rules.find, overridden.find, dead_branches.find, ladder_checks.find)
all_pairs: Check = rule_order.find_all_pairs  # optional: every pair of rules that only their order decides


def check(
    policy: Policy,
    budget: Budget | None = None,
    checks: Checks = CHECKS,
    since: date | None = None,
    test_mails: Mails = tuple,
    largest: int | None = None,
) -> list[Finding]:
    """List all findings: faults first, then by file and place. Questions beyond the budget become "not decided".

    `since` is the first day of the year whose holidays and days off are examined; None examines none.
    `test_mails` returns the mails of the tests beside the rules, which show an order of rules that is meant.
    `largest` is the size in bytes of the largest mail that is accepted, None without a limit.
    """
    context = build_context(policy, budget or Budget(), since, test_mails, largest)
    findings = [finding for run in checks for finding in run(context)]
    unique = {(each.kind, each.spot, each.names): each for each in findings}
    return sorted(unique.values(), key=_place)


def _place(finding: Finding) -> tuple[int, bool, str, list[str]]:
    path = [f"{part:>8}" for part in finding.spot.path]
    first = finding.kind == graver_below.GRAVER  # of the remarks
    return SEVERITIES.index(finding.severity), not first, finding.spot.file, path
