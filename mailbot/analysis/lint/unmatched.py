"""Mail that only the last rule matches: an example, for information."""

from collections.abc import Iterator

from mailbot.analysis.lint.finding import Finding, Severity
from mailbot.analysis.lint.rule_context import EVERYTHING, RuleContext
from mailbot.analysis.lint.search import Example, Impossible, Unknown

GAP = "gap"


def find(context: RuleContext) -> Iterator[Finding]:
    last = len(context.rules) - 1
    rule = context.rules[last]
    answer = context.search.find(EVERYTHING, context.final_rules(last))
    if isinstance(answer, Example):
        message, severity = f"only the last rule matches mail like this, {rule.name!r}", Severity.NOTE
    elif isinstance(answer, Impossible):
        message, severity = f"no mail reaches the last rule, {rule.name!r}", Severity.NOTE
    elif isinstance(answer, Unknown):
        message = f"it is not decided whether any mail reaches the last rule: {answer.reason}"
        severity = Severity.UNDECIDED
    yield Finding(GAP, severity, context.spot(last), message, "", (rule.name,), context.witness(answer))
