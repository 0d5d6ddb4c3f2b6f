"""Actions without effect: a rule above has set the same in all mail that comes here."""

from collections.abc import Iterator

from mailbot.analysis.lint.finding import Finding, Severity
from mailbot.analysis.lint.rule_context import RuleContext
from mailbot.analysis.lint.search import Impossible, Unknown
from mailbot.domain.policy import Actions
from mailbot.domain.routing import conditions

OVERRIDDEN, NO_EFFECT = "overridden", "no-effect"
ACTIONS = (
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
    for action in ACTIONS:
        value = getattr(rule.then, action)
        if not value:
            continue
        above = [
            i
            for i in range(index)
            if context.rules[i].go_on and i not in context.dead and getattr(context.rules[i].then, action)
        ]
        if not above:
            continue
        final_rules = context.final_rules(index)
        answer = context.search.find(context.formulas[index], sorted([*final_rules, *above]))
        spot = context.spot(index, "then", action)
        if isinstance(answer, Unknown):
            message = f"it is not decided whether the {action} of rule {rule.name!r} ever takes effect"
            yield Finding(
                OVERRIDDEN, Severity.UNDECIDED, spot, f"{message}: {answer.reason}", names=(rule.name,)
            )
        if not isinstance(answer, Impossible):
            continue
        setters = context.needed_rules(
            context.formulas[index], sorted(answer.needed & set(above)), final_rules
        )
        if all(getattr(context.rules[i].then, action) == value for i in setters):
            continue  # set twice, to the same value
        message = (
            f"rule {rule.name!r} sets {action} to {value!r} without effect: {context.rule_names(setters)} "
        )
        yield Finding(
            OVERRIDDEN,
            Severity.REMARK if rule.when is None else Severity.FAULT,
            spot,
            f"{message}{'has' if len(setters) == 1 else 'have'} set it for all mail that comes here",
            f"the first rule that sets it decides: remove `{action}` from one of them",
            (rule.name, *(context.rules[i].name for i in setters)),
            context.witness(
                context.search.find(context.formulas[index], final_rules),
                _setting_text(context, setters[0], action),
            ),
        )


def _setting_text(context: RuleContext, index: int, action: str) -> str:
    rule = context.rules[index]
    return f"rule {rule.name!r} sets its {action} to {getattr(rule.then, action)!r}"


def _priority(context: RuleContext, index: int) -> Iterator[Finding]:
    """Find `priority` beside `urgency` and `complexity` that imply another one: only `priority` counts."""
    rule = context.rules[index]
    then: Actions = rule.then
    inputs = [each for each in ("urgency", "complexity") if getattr(then, each)]
    if not then.priority or not inputs:
        return
    derived = conditions.priority(then.urgency or "normal", then.complexity or "medium")
    if derived == then.priority:
        return
    message = " and ".join(f"`{each}: {getattr(then, each)}`" for each in inputs)
    yield Finding(
        NO_EFFECT,
        Severity.REMARK,
        context.spot(index, "then", "priority"),
        f"rule {rule.name!r}: `priority: {then.priority}` decides, {message} would give {derived}",
        "remove one of them",
        (rule.name,),
        context.witness(context.search.find(context.formulas[index], context.final_rules(index))),
    )
