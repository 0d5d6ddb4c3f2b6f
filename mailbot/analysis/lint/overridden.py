"""Actions that never take effect: a rule that goes on has set the same thing in every mail that comes by."""

from collections.abc import Iterator

from mailbot.analysis.lint.finding import Finding, Severity
from mailbot.analysis.lint.rule_context import RuleContext
from mailbot.analysis.lint.search import Impossible, Unknown
from mailbot.domain.policy import Actions
from mailbot.domain.routing import conditions

OVERRIDDEN, NO_EFFECT = "overridden", "no-effect"
THINGS = (
    *("category", "urgency", "complexity", "priority", "team", "level"),
    *("ladder", "assign", "skill", "template"),
)


def find(context: RuleContext) -> Iterator[Finding]:
    for index in range(len(context.rules)):
        if index not in context.dead:
            yield from _overridden(context, index)
            yield from _priority(context, index)


def _overridden(context: RuleContext, index: int) -> Iterator[Finding]:
    rule = context.rules[index]
    for thing in THINGS:
        value = getattr(rule.then, thing)
        if not value:
            continue
        above = [
            i
            for i in range(index)
            if context.rules[i].go_on and i not in context.dead and getattr(context.rules[i].then, thing)
        ]
        if not above:
            continue
        final_rules = context.final_rules(index)
        answer = context.search.find(context.formulas[index], sorted([*final_rules, *above]))
        spot = context.spot(index, "then", thing)
        if isinstance(answer, Unknown):
            said = f"it is not decided whether the {thing} of rule {rule.name!r} ever takes effect"
            yield Finding(
                OVERRIDDEN, Severity.UNDECIDED, spot, f"{said}: {answer.reason}", names=(rule.name,)
            )
        if not isinstance(answer, Impossible):
            continue
        by = context.needed_rules(context.formulas[index], sorted(answer.needed & set(above)), final_rules)
        if all(getattr(context.rules[i].then, thing) == value for i in by):
            continue  # said twice, and the same both times
        said = f"rule {rule.name!r} sets {thing} to {value!r} in vain: {context.rule_names(by)} "
        yield Finding(
            OVERRIDDEN,
            Severity.REMARK if rule.when is None else Severity.FAULT,
            spot,
            f"{said}{'has' if len(by) == 1 else 'have'} set it in every mail that comes here",
            f"the first rule that names a thing decides it: leave `{thing}` out of one of them",
            (rule.name, *(context.rules[i].name for i in by)),
            context.witness(
                context.search.find(context.formulas[index], final_rules), _sets(context, by[0], thing)
            ),
        )


def _sets(context: RuleContext, index: int, thing: str) -> str:
    rule = context.rules[index]
    return f"rule {rule.name!r} makes its {thing} {getattr(rule.then, thing)!r}"


def _priority(context: RuleContext, index: int) -> Iterator[Finding]:
    """`priority` beside `urgency` and `complexity` that say something else: only the first has a say."""
    rule = context.rules[index]
    then: Actions = rule.then
    beside = [each for each in ("urgency", "complexity") if getattr(then, each)]
    if not then.priority or not beside:
        return
    follows = conditions.priority(then.urgency or "normal", then.complexity or "medium")
    if follows == then.priority:
        return
    said = " and ".join(f"`{each}: {getattr(then, each)}`" for each in beside)
    yield Finding(
        NO_EFFECT,
        Severity.REMARK,
        context.spot(index, "then", "priority"),
        f"rule {rule.name!r}: `priority: {then.priority}` decides alone, {said} would have made it {follows}",
        "leave one of them out",
        (rule.name,),
        context.witness(context.search.find(context.formulas[index], context.final_rules(index))),
    )
