"""Alternatives under `any`, and values of a list, that no mail can ever use: the rest of their rule works.

Phrases of `contains` and `mentions` are many and are left to `redundant_values`. A search for each pattern would
double the time of the check, so patterns are taken to match.
"""

from collections.abc import Callable, Iterator

from mailbot.analysis.lint.finding import Finding, Severity
from mailbot.analysis.lint.formulas import ANY_OF, Literal, assuming, literals
from mailbot.analysis.lint.redundant_values import RulesAbove
from mailbot.analysis.lint.rule_context import EVERYTHING, RuleContext
from mailbot.analysis.lint.search import Impossible
from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import AllOf, AnyOf, Condition, When

DEAD = "dead-branch"
PHRASES = frozenset({"contains", "mentions"})
VALUES = ANY_OF - PHRASES - {"matches"}
Wrap = Callable[[When], When]  # a part -> the whole rule's conditions with this part as the only alternative


def find(context: RuleContext) -> Iterator[Finding]:
    above = RulesAbove()
    for index, rule in enumerate(context.rules):
        if index in context.dead or rule.when is None:
            continue
        yield from _within(context, index, above, rule.when, lambda part: part)
        if not rule.go_on:
            above.add(index, context.formulas[index])


def _within(context: RuleContext, index: int, above: RulesAbove, when: When, wrap: Wrap) -> Iterator[Finding]:
    """Search a mail for each alternative; only where there is one, also for those inside of it."""
    if isinstance(when, AllOf):
        for place, part in enumerate(when.parts):
            yield from _within(context, index, above, part, _in_place(when, place, wrap))
    for part in _alternatives(context, when):
        is_phrase = isinstance(part, Condition) and part.operator in PHRASES
        finding = None if is_phrase else _dead(context, index, above, part, wrap)
        if finding:
            yield finding
        elif isinstance(when, AnyOf):
            yield from _within(context, index, above, part, wrap)


def _in_place(when: AllOf, place: int, wrap: Wrap) -> Wrap:
    return lambda part: wrap(AllOf((*when.parts[:place], part, *when.parts[place + 1 :])))


def _alternatives(context: RuleContext, when: When) -> list[When]:
    """List the parts of `any`, or the values of a list of which any suffices."""
    if isinstance(when, AnyOf):
        return list(when.parts)
    if not isinstance(when, Condition) or when.operator not in VALUES:
        return []
    values = when.value if isinstance(when.value, tuple) and len(when.value) > 1 else ()
    known = context.builder.context
    try:
        return [conditions.build(when.field, when.operator, value, known) for value in values]
    except ValueError:
        return []  # the values belong together


def _is_pattern(literal: Literal) -> bool:
    return literal.atom.operator == "matches"


def _dead(context: RuleContext, index: int, above: RulesAbove, part: When, wrap: Wrap) -> Finding | None:
    formula = context.builder.build(wrap(part))
    answer = context.search.find(assuming(formula, _is_pattern) or EVERYTHING, context.final_rules(index))
    if not isinstance(answer, Impossible):
        return None
    alone = context.search.find(formula)
    name, text = context.rules[index].name, str(part)
    item = str(part.value) if isinstance(part, Condition) else ""
    if isinstance(alone, Impossible) or not answer.needed:
        severity = Severity.REMARK if item else Severity.FAULT
        message = f"rule {name!r}: no mail can fulfil its alternative: {text}"
        return Finding(
            DEAD, severity, context.spot(index, "when", item=item), message, "correct or remove it", (name,)
        )
    if any(each.sign and above.covering(each) for each in literals(context.builder.build(part))):
        return None  # reported for this value
    shadows = context.needed_rules(formula, sorted(answer.needed))
    return Finding(
        DEAD,
        Severity.REMARK,
        context.spot(index, "when", item=item),
        f"rule {name!r} gets no mail by its alternative: {text}. {context.rule_names(shadows)} "
        f"{'takes' if len(shadows) == 1 else 'together take'} all of it",
        "remove it, or move this rule up",
        (name, *(context.rules[each].name for each in shadows)),
        context.witness(alone),
    )
