"""The rules as they were tried on one mail: each condition with what it looked at, for people and as JSON."""

from collections.abc import Sequence
from typing import Any

from mailbot.cli.shared import output
from mailbot.domain.routing_trace import ConditionTrace, RuleTrace

MARK = "*"  # before a condition that decided
WORDS, SAW = 150, 100  # characters of a condition, of a value


def shapes(tried: Sequence[RuleTrace]) -> list[dict[str, Any]]:
    """`matched`: its conditions hold; `won`: it had the last word; `went_on`: it let the rules below be asked
    too. `conditions` is the tree's leaves in order; `tree` is null for a rule without conditions."""
    return [
        {
            "name": each.rule.name,
            "line": each.rule.line,
            "matched": each.matched,
            "won": each.won,
            "went_on": each.matched and not each.won,
            "conditions": [_leaf(leaf) for leaf in _leaves(each.conditions)] if each.conditions else [],
            "tree": _tree(each.conditions) if each.conditions else None,
        }
        for each in tried
    ]


def _leaf(leaf: ConditionTrace) -> dict[str, Any]:
    return {"condition": leaf.text, "holds": leaf.holds, "saw": leaf.value, "decides": leaf.decides}


def _leaves(found: ConditionTrace) -> list[ConditionTrace]:
    return [leaf for part in found.parts for leaf in _leaves(part)] if found.parts else [found]


def _tree(found: ConditionTrace) -> dict[str, Any]:
    shape = {"kind": found.kind, "words": found.text, "holds": found.holds, "decides": found.decides}
    if not found.parts:
        return {**shape, "saw": found.value, "hit": found.matched_text or None}
    return {**shape, "parts": [_tree(part) for part in found.parts]}


def show(tried: Sequence[RuleTrace], version: str, rules: int) -> None:
    """Every rule that was asked, in order. `rules` is how many there are."""
    output.print_title(
        f"Which rule (of policy {output.clean(version)}; in order, the first that matches decides)"
    )
    for each in tried:
        word, colour = _verdict(each)
        where = f"routing.yaml line {each.rule.line}"
        output.echo(f"  {word:<8} {output.clean(each.rule.name)}  ({where})", fg=colour)
        if each.conditions:
            _branch(each.conditions, 2)
        else:
            output.echo("             it has no conditions: it takes what no other rule took")
    left = rules - len(tried)
    if left:
        output.echo(f"  {'-':<8} {left} more below {'was' if left == 1 else 'were'} not asked")
    output.echo(f"           ({MARK} decided; the others made no difference)", dim=True)


def _verdict(each: RuleTrace) -> tuple[str, str | None]:
    if each.won:
        return "matches", "green"
    return ("goes on", "green") if each.matched else ("no", None)


def _branch(found: ConditionTrace, depth: int) -> None:
    """A group and what is in it. What looked at the same value shares one line about it."""
    if not found.parts:
        _row(found, depth, found.matched_text or found.text)
        _looked_at(found, depth)
        return
    _row(found, depth, f"{found.text}:")
    for part, following in zip(found.parts, (*found.parts[1:], None), strict=True):
        if part.parts:
            _branch(part, depth + 1)
            continue
        _row(part, depth + 1, part.matched_text or part.text)
        if following is None or following.parts or following.value != part.value:
            _looked_at(part, depth + 1)


def _row(found: ConditionTrace, depth: int, words: str) -> None:
    mark = MARK if found.decides and not found.parts else " "
    holds = "yes" if found.holds else "no "
    colour = "green" if found.holds and found.decides else None
    output.echo(f"{'    ' * depth} {mark} {holds}  {output.clean(words, WORDS)}", fg=colour)


def _looked_at(found: ConditionTrace, depth: int) -> None:
    saw = f"'{output.clean(found.value, SAW)}'" if found.value else "nothing: it is empty"
    output.echo(f"{'    ' * depth}        looked at {saw}", dim=True)


def setter(tried: Sequence[RuleTrace], name: str) -> str:
    """Where several rules matched: which of them set `name`; "" where only one did."""
    matched = [each for each in tried if each.matched]
    if len(matched) < 2:
        return ""
    found = next((each.rule.name for each in matched if getattr(each.rule.then, name, None)), "")
    return f"  (by rule '{output.clean(found)}')" if found else ""
