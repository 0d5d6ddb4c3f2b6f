"""Mail that no rule but the last one catches: an example, for information."""

from collections.abc import Iterator

from mailbot.analysis.lint.context import EVERYTHING, Ground
from mailbot.analysis.lint.finding import Finding, Severity
from mailbot.analysis.lint.search import Found, Nothing, Open

GAP = "gap"


def find(ground: Ground) -> Iterator[Finding]:
    last = len(ground.rules) - 1
    rule = ground.rules[last]
    answer = ground.search.ask(EVERYTHING, ground.enders(last))
    if isinstance(answer, Found):
        said, severity = f"mail like this is caught by no rule but the last one, {rule.name!r}", Severity.NOTE
    elif isinstance(answer, Nothing):
        said, severity = f"no mail is left for the last rule, {rule.name!r}", Severity.NOTE
    elif isinstance(answer, Open):
        said = f"it is not decided whether any mail is left for the last rule: {answer.reason}"
        severity = Severity.UNDECIDED
    yield Finding(GAP, severity, ground.spot(last), said, "", (rule.name,), ground.witness(answer))
