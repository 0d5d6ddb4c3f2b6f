"""Rules that never match: what shadows them, or which of their conditions exclude each other."""

from collections.abc import Iterator, Sequence

from mailbot.analysis.lint.finding import Finding, Severity
from mailbot.analysis.lint.formulas import And
from mailbot.analysis.lint.rule_context import RuleContext
from mailbot.analysis.lint.search import Example, Impossible, Unknown
from mailbot.domain.routing.conditions import AllOf, NoneOf, When

NEVER, CONTRADICTION = "never-matches", "contradiction"
_LOOSE = " (letters such as ß and İ aside)"


def find(context: RuleContext) -> Iterator[Finding]:
    """Asks of every rule with conditions whether any mail reaches it. Fills `ground.dead`."""
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
    wanted, name = context.formulas[index], context.rules[index].name
    alone = context.search.find(wanted)
    if isinstance(alone, Impossible) or not answer.needed:
        return _contradiction(context, index, when)
    shadows = context.needed_rules(wanted, sorted(answer.needed))
    others = [each for each in context.final_rules(index) if each not in shadows]
    shown = context.search.find(wanted, others)  # a mail that no other rule takes shows it best
    return Finding(
        NEVER,
        Severity.FAULT,
        context.spot(index),
        f"rule {name!r} never matches: {context.rule_names(shadows)} "
        f"{'takes' if len(shadows) == 1 else 'together take'} all of its mail" + _LOOSE * answer.loose,
        "move it up, or ask for less above it",
        (name, *(context.rules[each].name for each in shadows)),
        context.witness(shown if isinstance(shown, Example) else alone),
    )


def _contradiction(context: RuleContext, index: int, when: When) -> Finding:
    name = context.rules[index].name
    parts = _parts(when)
    core = _core(context, parts)
    almost = context.search.find(And(tuple(context.reader.formula(part) for part in core[:-1])))
    told = " / ".join(map(str, core))
    said = (
        f"can't be true of any mail: {told}" if len(core) == 1 else f"can't all be true of one mail: {told}"
    )
    return Finding(
        CONTRADICTION,
        Severity.FAULT,
        context.spot(index),
        f"rule {name!r} never matches, these conditions {said}",
        "one of them is wrong, or they belong under `any`",
        (name,),
        context.witness(almost, f"all but the last of these hold for it: {told}") if len(core) > 1 else None,
    )


def _parts(when: When) -> list[When]:
    """The conditions that must all hold."""
    if isinstance(when, AllOf):
        return [inner for part in when.parts for inner in _parts(part)]
    if isinstance(when, NoneOf):
        return [NoneOf((part,)) for part in when.parts]
    return [when]


def _core(context: RuleContext, parts: Sequence[When]) -> list[When]:
    """Some of them that exclude each other, none of which can be spared."""
    kept = list(parts)
    for part in parts:
        fewer = [each for each in kept if each is not part]
        if fewer and isinstance(
            context.search.find(And(tuple(map(context.reader.formula, fewer)))), Impossible
        ):
            kept = fewer
    return kept
