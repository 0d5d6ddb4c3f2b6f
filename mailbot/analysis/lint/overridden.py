"""Actions that never take effect: a rule that goes on has set the same thing in every mail that comes by."""

from collections.abc import Iterator

from mailbot.analysis.lint.context import Ground
from mailbot.analysis.lint.finding import Finding, Severity
from mailbot.analysis.lint.search import Nothing, Open
from mailbot.domain.policy import Actions
from mailbot.domain.routing import conditions

OVERRIDDEN, NO_EFFECT = "overridden", "no-effect"
THINGS = (
    *("category", "urgency", "complexity", "priority", "team", "level"),
    *("ladder", "assign", "skill", "template"),
)


def find(ground: Ground) -> Iterator[Finding]:
    for index in range(len(ground.rules)):
        if index not in ground.dead:
            yield from _overridden(ground, index)
            yield from _priority(ground, index)


def _overridden(ground: Ground, index: int) -> Iterator[Finding]:
    rule = ground.rules[index]
    for thing in THINGS:
        value = getattr(rule.then, thing)
        if not value:
            continue
        above = [
            i
            for i in range(index)
            if ground.rules[i].go_on and i not in ground.dead and getattr(ground.rules[i].then, thing)
        ]
        if not above:
            continue
        enders = ground.enders(index)
        answer = ground.search.ask(ground.wanted[index], sorted([*enders, *above]))
        spot = ground.spot(index, "then", thing)
        if isinstance(answer, Open):
            said = f"it is not decided whether the {thing} of rule {rule.name!r} ever takes effect"
            yield Finding(
                OVERRIDDEN, Severity.UNDECIDED, spot, f"{said}: {answer.reason}", names=(rule.name,)
            )
        if not isinstance(answer, Nothing):
            continue
        by = ground.smallest(ground.wanted[index], sorted(answer.because_of & set(above)), enders)
        if all(getattr(ground.rules[i].then, thing) == value for i in by):
            continue  # said twice, and the same both times
        said = f"rule {rule.name!r} sets {thing} to {value!r} in vain: {ground.said(by)} "
        yield Finding(
            OVERRIDDEN,
            Severity.REMARK if rule.when is None else Severity.FAULT,
            spot,
            f"{said}{'has' if len(by) == 1 else 'have'} set it in every mail that comes here",
            f"the first rule that names a thing decides it: leave `{thing}` out of one of them",
            (rule.name, *(ground.rules[i].name for i in by)),
            ground.witness(ground.search.ask(ground.wanted[index], enders), _sets(ground, by[0], thing)),
        )


def _sets(ground: Ground, index: int, thing: str) -> str:
    rule = ground.rules[index]
    return f"rule {rule.name!r} makes its {thing} {getattr(rule.then, thing)!r}"


def _priority(ground: Ground, index: int) -> Iterator[Finding]:
    """`priority` beside `urgency` and `complexity` that say something else: only the first has a say."""
    rule = ground.rules[index]
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
        ground.spot(index, "then", "priority"),
        f"rule {rule.name!r}: `priority: {then.priority}` decides alone, {said} would have made it {follows}",
        "leave one of them out",
        (rule.name,),
        ground.witness(ground.search.ask(ground.wanted[index], ground.enders(index))),
    )
