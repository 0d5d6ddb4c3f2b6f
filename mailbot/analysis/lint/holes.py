"""Holes at a border: one rule asks for more than a limit, its sibling for less, and neither takes the limit itself.

Siblings ask the same but for the limit, or one asks for more than the other.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mailbot.analysis.lint.finding import Finding, Severity
from mailbot.analysis.lint.formulas import And, Formula, Literal, assuming, literals, negation
from mailbot.analysis.lint.ranges import count_of, size_of
from mailbot.analysis.lint.rule_context import EVERYTHING, RuleContext
from mailbot.analysis.lint.search import Example, Impossible
from mailbot.domain.routing import conditions
from mailbot.domain.routing.money import Money, read

HOLE = "hole"
_READ: dict[str, Callable[[object], Any]] = {
    "amount": lambda item: read(str(item)),
    "size": size_of,
    "attachments": count_of,
    "open_tickets": count_of,
}


@dataclass(frozen=True, slots=True)
class _Limited:
    """A rule, one of its limits, and its conditions without it."""

    rule: int
    limit: Literal
    rest: Formula


def find(context: RuleContext) -> Iterator[Finding]:
    """Report each pair of siblings once, with a mail that is exactly at the limit."""
    above = list(_limited(context, "over"))
    below = list(_limited(context, "below"))
    reported: set[tuple[int, int]] = set()
    for over in above:
        for under in below:
            pair = over.rule, under.rule
            if over.rule == under.rule or pair in reported or not _same_border(over.limit, under.limit):
                continue
            example = _example(context, over, under) if _are_siblings(context, over, under) else None
            if example:
                reported.add(pair)
                yield _finding(context, over, under, example)


def _limited(context: RuleContext, operator: str) -> Iterator[_Limited]:
    for index, rule in enumerate(context.rules):
        if rule.when is None or index in context.dead:
            continue
        for each in dict.fromkeys(literals(context.formulas[index])):
            if each.sign and each.atom.operator == operator and each.atom.field in _READ:
                yield _Limited(index, each, assuming(context.formulas[index], each.__eq__) or EVERYTHING)


def _same_border(one: Literal, other: Literal) -> bool:
    field = one.atom.field
    return field == other.atom.field and bool(_READ[field](one.atom.item) == _READ[field](other.atom.item))


def _are_siblings(context: RuleContext, one: _Limited, other: _Limited) -> bool:
    return one.rest == other.rest or any(
        isinstance(context.search.find(And((first.rest, negation(second.rest)))), Impossible)
        for first, second in ((one, other), (other, one))
    )


def _example(context: RuleContext, over: _Limited, under: _Limited) -> Example | None:
    """Find a mail at the limit that goes to a rule below both."""
    exact = [Literal(each.limit.atom, False) for each in (over, under)]
    if over.limit.atom.field == "amount":
        exact += _around(context, _READ["amount"](over.limit.atom.item))
    last = max(over.rule, under.rule)
    without = sorted({*context.final_rules(last), over.rule, under.rule})
    answer = context.search.find(And((over.rest, under.rest, *exact)), without)
    return answer if isinstance(answer, Example) else None


def _around(context: RuleContext, limit: Money) -> list[Literal]:
    """Return literals that need an amount about the limit: without them a mail may name none."""
    asked = (("over", limit.amount - 1), ("below", limit.amount + 1))
    built = [
        context.builder.build(conditions.build("amount", operator, str(Money(amount, limit.currency))))
        for operator, amount in asked
    ]
    return [each for each in built if isinstance(each, Literal)]


def _finding(context: RuleContext, over: _Limited, under: _Limited, example: Example) -> Finding:
    lower, upper = sorted((over, under), key=lambda each: -each.rule)
    names = [context.rules[each.rule].name for each in (lower, upper)]
    limit = lower.limit.atom
    return Finding(
        HOLE,
        Severity.REMARK,
        context.spot(lower.rule, "when", item=str(limit.item)),
        f"`{limit.field}` of exactly {upper.limit.atom.item} goes to neither of two rules: {names[0]!r} asks for "
        f"`{limit.operator}`, {context.rule_names([upper.rule])} for `{upper.limit.atom.operator}`",
        "move one of the two limits by the smallest step, or leave the limit out of the lower rule",
        tuple(names),
        context.witness(example),
    )
