"""Mail that no rule but the last one catches: an example, for information."""

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
        said, severity = f"mail like this is caught by no rule but the last one, {rule.name!r}", Severity.NOTE
    elif isinstance(answer, Impossible):
        said, severity = f"no mail is left for the last rule, {rule.name!r}", Severity.NOTE
    elif isinstance(answer, Unknown):
        said = f"it is not decided whether any mail is left for the last rule: {answer.reason}"
        severity = Severity.UNDECIDED
    yield Finding(GAP, severity, context.spot(last), said, "", (rule.name,), context.witness(answer))
