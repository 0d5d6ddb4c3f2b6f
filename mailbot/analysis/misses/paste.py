"""Write a proposal as YAML to paste into routing.yaml."""

import json
import re
from dataclasses import fields

from mailbot.analysis.misses.proposals import Proposal
from mailbot.domain.policy import Actions
from mailbot.domain.routing.conditions import Condition

_WIDTH = 76
# What needs no quotes in YAML: it is no number, no list and no comment.
_PLAIN = re.compile(r"[^\W\d_][\w /-]*", re.ASCII)
_OTHER_VALUES = frozenset({"true", "false", "null"})


def scalar(text: str) -> str:
    """Write a text so that YAML reads it as the same text."""
    is_plain = _PLAIN.fullmatch(text) and text == text.strip() and text.lower() not in _OTHER_VALUES
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def new_rule_lines(proposal: Proposal) -> list[str]:
    """Write a new rule, indented as in the shipped file."""
    rule = proposal.rule
    assert isinstance(rule.when, Condition)
    lines = [
        f"  - name: {scalar(rule.name)}",
        "    when:",
        f"      {rule.when.field}: {{{rule.when.operator}: [{scalar(proposal.term)}]}}",
        *_then_lines(rule.then),
    ]
    return [*lines, "    go_on: true"] if rule.go_on else lines


def _then_lines(then: Actions) -> list[str]:
    values = {each.name: getattr(then, each.name) for each in fields(then)}
    pairs = [f"{name}: {_value(value)}" for name, value in values.items() if value]
    line = f"    then: {{{', '.join(pairs)}}}"
    return [line] if len(line) <= _WIDTH else ["    then:", *(f"      {pair}" for pair in pairs)]


def _value(value: str | tuple[str, ...]) -> str:
    return scalar(value) if isinstance(value, str) else f"[{', '.join(map(scalar, value))}]"
