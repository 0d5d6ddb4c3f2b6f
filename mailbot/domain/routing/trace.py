"""Trace how the rules decided one mail: each condition as a node of a tree, the decisive ones marked.

In an `all` group that holds, every part is decisive; in one that fails, the first part that fails. In an
`any` group it is the reverse. A `none` group that holds needs every part to fail; one that fails names the
first part that held.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mailbot.domain.policy import Policy, Rule
from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import AllOf, AnyOf, Condition, NoneOf, RoutingFacts, When

MAX_TEXT = 90  # characters of a condition's text in one line


@dataclass(frozen=True, slots=True)
class ConditionTrace:
    """The result of one condition ("condition") or one group ("all", "any", "none") for one mail.

    `value` is the field's value in the mail, `matched_text` the condition with only the values that matched.
    `decides`: with another result here the whole could have another result.
    """

    kind: str
    text: str
    holds: bool
    decides: bool = False
    value: str = ""
    matched_text: str = ""
    parts: tuple["ConditionTrace", ...] = ()


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """A rule that was tested. `won`: it was the last; rules that matched before it have `go_on`.

    `conditions` is None for a rule without conditions, which matches every mail.
    """

    rule: Rule
    matched: bool
    won: bool
    conditions: ConditionTrace | None


@dataclass(frozen=True, slots=True)
class _SingleRule:
    """A single condition as a rule of its own, so that it is tested as in its real rule."""

    when: When | None = None
    name: str = ""
    go_on: bool = False


def trace_rules(policy: Policy, facts: RoutingFacts) -> list[RuleTrace]:
    """List the tested rules in order, up to and including the one that won."""
    hits = [match.rule_index for match in conditions.match_rules(policy.rules, facts, policy.prefilter)]
    tested = enumerate(policy.rules[: hits[-1] + 1])
    traces = ((n, rule, trace_condition(rule.when, facts) if rule.when else None) for n, rule in tested)
    return [RuleTrace(rule, n in hits, n == hits[-1], trace) for n, rule, trace in traces]


def trace_condition(when: When, facts: RoutingFacts) -> ConditionTrace:
    """Evaluate every condition of `when` for this mail and mark the decisive ones from the top down."""
    return _mark(_evaluate(when, facts))


def decisive(trace: ConditionTrace) -> list[ConditionTrace]:
    """List the single conditions that decided, in order."""
    return [leaf for leaf in _leaves(trace) if leaf.decides]


def explain(trace: ConditionTrace) -> str:
    """Return the decisive conditions and their values in one line: "subject contains 'x' (it was 'y')"."""
    leaves = decisive(trace)
    texts = [
        leaf.matched_text if leaf.holds else f"{_cut(leaf.text, MAX_TEXT)} (it was {_quoted(leaf.value)})"
        for leaf in leaves[:3]
    ]
    more = f", and {len(leaves) - 3} more" if len(leaves) > 3 else ""
    return "; ".join(texts) + more


def _evaluate(when: When, facts: RoutingFacts) -> ConditionTrace:
    if isinstance(when, Condition):
        text, holds, value = conditions.explain(when, facts)
        matches = conditions.match_rules([_SingleRule(when), _SingleRule()], facts) if holds else ()
        because = matches[0].because if matches else ""
        return ConditionTrace("condition", text, holds, value=value, matched_text=because)
    parts = tuple(_evaluate(part, facts) for part in when.parts)
    results = [part.holds for part in parts]
    match when:
        case AllOf():
            return ConditionTrace("all", "all of these", all(results), parts=parts)
        case AnyOf():
            return ConditionTrace("any", "any of these", any(results), parts=parts)
        case NoneOf():
            return ConditionTrace("none", "none of these", not any(results), parts=parts)


def _mark(trace: ConditionTrace) -> ConditionTrace:
    if not trace.parts:
        return replace(trace, decides=True)
    # A group is decided by the parts whose result is this one: by all of them, or by the first alone.
    decisive_result = not trace.holds if trace.kind == "none" else trace.holds
    all_decide = decisive_result if trace.kind == "all" else not decisive_result
    first = next((n for n, part in enumerate(trace.parts) if part.holds is decisive_result), 0)
    parts = tuple(_mark(part) if all_decide or n == first else part for n, part in enumerate(trace.parts))
    return replace(trace, decides=True, parts=parts)


def _leaves(trace: ConditionTrace) -> Iterator[ConditionTrace]:
    if not trace.parts:
        yield trace
    for part in trace.parts:
        yield from _leaves(part)


def _quoted(text: str) -> str:
    return f"'{_cut(text, 60)}'" if text else "empty"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."
