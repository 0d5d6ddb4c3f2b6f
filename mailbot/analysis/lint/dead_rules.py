"""Rules that never match: other rules take all their mail, or their conditions exclude each other."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mailbot.analysis.lint.finding import Finding, Severity
from mailbot.analysis.lint.formulas import And, Formula
from mailbot.analysis.lint.rule_context import RuleContext
from mailbot.analysis.lint.search import Example, Impossible, Unknown
from mailbot.domain.routing.conditions import AllOf, NoneOf, When

NEVER, CONTRADICTION = "never-matches", "contradiction"
_LETTERS_OMITTED = " (letters such as ß and İ are not considered)"


def find(context: RuleContext) -> Iterator[Finding]:
    """Search a mail for every rule with conditions. Adds rules without any to `context.dead`."""
    for index, rule in enumerate(context.rules):
        if rule.when is None:
            continue
        answer = context.search.find(context.formulas[index], context.final_rules(index))
        if isinstance(answer, Unknown):
            yield Finding(
                NEVER,
                Severity.UNDECIDED,
                context.spot(index),
                f"it is not decided whether rule {rule.name!r} ever matches: {answer.reason}",
                names=(rule.name,),
            )
        elif isinstance(answer, Impossible):
            context.dead.add(index)
            yield _dead(context, index, rule.when, answer)


def _dead(context: RuleContext, index: int, when: When, answer: Impossible) -> Finding:
    formula, name = context.formulas[index], context.rules[index].name
    alone = context.search.find(formula)
    if isinstance(alone, Impossible) or not answer.needed:
        return _contradiction(context, index, when)
    shadows = context.needed_rules(formula, sorted(answer.needed))
    others = [each for each in context.final_rules(index) if each not in shadows]
    example = context.search.find(formula, others)  # clearest: no other rule takes it
    return Finding(
        NEVER,
        Severity.FAULT,
        context.spot(index),
        f"rule {name!r} never matches: {context.rule_names(shadows)} "
        f"{'takes' if len(shadows) == 1 else 'together take'} all of its mail"
        + _LETTERS_OMITTED * answer.letters_omitted
        + _limit_text(context, formula, shadows),
        "move it up, or narrow the rules above it",
        (name, *(context.rules[each].name for each in shadows)),
        context.witness(example if isinstance(example, Example) else alone),
    )


def _contradiction(context: RuleContext, index: int, when: When) -> Finding:
    name = context.rules[index].name
    parts = _parts(when)
    core = _core(context, parts)
    almost = context.search.find(And(tuple(context.builder.build(part) for part in core[:-1])))
    conditions = " / ".join(map(str, core))
    problem = (
        f"can't be true of any mail: {conditions}"
        if len(core) == 1
        else f"can't all be true of one mail: {conditions}"
    )
    return Finding(
        CONTRADICTION,
        Severity.FAULT,
        context.spot(index),
        f"rule {name!r} never matches, these conditions {problem}"
        + _limit_text(context, And(tuple(map(context.builder.build, core))), ()),
        "one of them is wrong, or they belong under `any`",
        (name,),
        context.witness(almost, f"all but the last of these hold for it: {conditions}")
        if len(core) > 1
        else None,
    )


def _limit_text(context: RuleContext, formula: Formula, without: Sequence[int]) -> str:
    """Name the limit of mails' sizes where the proof needs it: without it there is such a mail."""
    world = context.search.world
    if world.largest is None:
        return ""
    unlimited = replace(context.search, world=replace(world, largest=None))
    if isinstance(unlimited.find(formula, without), Impossible):
        return ""
    return f" (no mail of more than {world.largest:,} bytes is accepted: `limits.size`)"


def _parts(when: When) -> list[When]:
    """List the conditions that must all hold."""
    if isinstance(when, AllOf):
        return [inner for part in when.parts for inner in _parts(part)]
    if isinstance(when, NoneOf):
        return [NoneOf((part,)) for part in when.parts]
    return [when]


def _core(context: RuleContext, parts: Sequence[When]) -> list[When]:
    """Reduce `parts` to conditions that exclude each other and are all needed for that."""
    core = list(parts)
    for part in parts:
        fewer = [each for each in core if each is not part]
        if fewer and isinstance(
            context.search.find(And(tuple(map(context.builder.build, fewer)))), Impossible
        ):
            core = fewer
    return core
