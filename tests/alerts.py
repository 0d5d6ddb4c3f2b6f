"""The shipped alerts, and a small judge of their expressions over scraped values.

It knows what the rules use: a selector, a number, `number * selector`, compared by `==`, `<` or `>`. Spans
(`for:`) are left out. `promtool` checks the grammar where it is installed.
"""

import operator
import re
from collections.abc import Mapping
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

OPERATIONS = Path(__file__).parent.parent / "docs" / "operations"
ALERTS, BOARD = OPERATIONS / "alerts.yaml", OPERATIONS / "board.json"
COMPARE = {"==": operator.eq, ">": operator.gt, "<": operator.lt}
Labels = Mapping[str, str]


def metric_names(expression: str) -> list[str]:
    """List the metrics in an expression of PromQL."""
    return re.findall(r"\b(?:mailbot|process)_[a-z_]+\b|\bup\b", expression)


def fires(expression: str, scraped: str) -> bool:
    """Check whether a rule's expression has a result for these metrics."""
    left, compare, right = re.split(r" (==|>|<) ", expression)
    return any(COMPARE[compare](a, b) for a in _values(left, scraped) for b in _values(right, scraped))


def _values(term: str, scraped: str) -> list[float]:
    factor, _, rest = term.rpartition(" * ")
    if re.fullmatch(r"[0-9.]+", rest):
        return [float(rest)]
    name, _, labels = rest.partition("{")
    wanted = dict(re.findall(r'(\w+)="([^"]*)"', labels))
    return [
        float(factor or 1) * value
        for found, value in _samples(name, scraped)
        if wanted.items() <= found.items()
    ]


def _samples(name: str, scraped: str) -> list[tuple[Labels, float]]:
    return [
        (sample.labels, sample.value)
        for family in text_string_to_metric_families(scraped)
        for sample in family.samples
        if sample.name == name
    ]
