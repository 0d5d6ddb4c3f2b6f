"""How the rules decided one mail: each condition with the value it tested, for people and as JSON."""

from collections.abc import Sequence
from typing import Any

from mailbot.cli.shared.output import clean, echo_hanging, echo_wrapped
from mailbot.domain.routing.pattern_text import shorten_patterns
from mailbot.domain.routing.trace import ConditionTrace, RuleTrace

MARK = "*"  # before a condition that decided
TEXT, VALUE = 150, 100  # characters of a condition, of a value


def rules_json(rules: Sequence[RuleTrace]) -> list[dict[str, Any]]:
    """Return the rules as JSON.

    `matched`: its conditions hold. `won`: it was the last one. `went_on`: the rules below were tested too.
    `conditions` holds the leaves of `tree` in order. `tree` is null for a rule without conditions.
    """
    return [
        {
            "name": trace.rule.name,
            "line": trace.rule.line,
            "matched": trace.matched,
            "won": trace.won,
            "went_on": trace.matched and not trace.won,
            "conditions": [_leaf_json(leaf) for leaf in _leaves(trace.conditions)],
            "tree": _tree_json(trace.conditions) if trace.conditions else None,
        }
        for trace in rules
    ]


def _leaf_json(leaf: ConditionTrace) -> dict[str, Any]:
    return {"condition": leaf.text, "holds": leaf.holds, "saw": leaf.value, "decides": leaf.decides}


def _leaves(node: ConditionTrace | None) -> list[ConditionTrace]:
    if node is None:
        return []
    return [leaf for part in node.parts for leaf in _leaves(part)] if node.parts else [node]


def _tree_json(node: ConditionTrace) -> dict[str, Any]:
    form = {"kind": node.kind, "words": node.text, "holds": node.holds, "decides": node.decides}
    if not node.parts:
        return {**form, "saw": node.value, "hit": node.matched_text or None}
    return {**form, "parts": [_tree_json(part) for part in node.parts]}


def print_rules(rules: Sequence[RuleTrace], version: str, total: int) -> None:
    """Print every rule that was tested, in order. `total` is how many rules there are."""
    echo_wrapped(
        f"Which rule (of policy {clean(version)}; in order, the first that matches decides)", bold=True
    )
    for trace in rules:
        result = "matches" if trace.won else "goes on" if trace.matched else "no"
        echo_wrapped(
            f"  {result:<8} {clean(trace.rule.name)}  (routing.yaml line {trace.rule.line})",
            bold=trace.matched,
        )
        if trace.conditions:
            _print_node(trace.conditions, 2)
        else:
            echo_wrapped("             it has no conditions: it takes what no other rule took")
    left = total - len(rules)
    if left:
        echo_wrapped(f"  {'-':<8} {left} more below {'was' if left == 1 else 'were'} not tested")
    echo_wrapped(f"           ({MARK} decided; the others made no difference)")


def _print_node(node: ConditionTrace, depth: int) -> None:
    """Print a group and its parts. Neighbours that tested the same value share one line about it."""
    if not node.parts:
        _print_condition(node, depth, node.matched_text or node.text)
        _print_value(node, depth)
        return
    _print_condition(node, depth, f"{node.text}:")
    for part, following in zip(node.parts, (*node.parts[1:], None), strict=True):
        if part.parts:
            _print_node(part, depth + 1)
            continue
        _print_condition(part, depth + 1, part.matched_text or part.text)
        if following is None or following.parts or following.value != part.value:
            _print_value(part, depth + 1)


def _print_condition(node: ConditionTrace, depth: int, text: str) -> None:
    mark = MARK if node.decides and not node.parts else " "
    prefix = f"{'    ' * depth} {mark} {'yes' if node.holds else 'no '}  "
    echo_hanging(f"{prefix}{clean(shorten_patterns(text), TEXT)}", len(prefix))


def _print_value(node: ConditionTrace, depth: int) -> None:
    value = f"'{clean(node.value, VALUE)}'" if node.value else "nothing: it is empty"
    prefix = f"{'    ' * depth}        "
    echo_hanging(f"{prefix}tested on {value}", len(prefix))


def setter_text(rules: Sequence[RuleTrace], name: str) -> str:
    """Where several rules matched, name the one that set this field. Return "" where only one did."""
    matched = [trace for trace in rules if trace.matched]
    if len(matched) < 2:
        return ""
    rule = next((trace.rule.name for trace in matched if getattr(trace.rule.then, name, None)), "")
    return f"  (by rule '{clean(rule)}')" if rule else ""
