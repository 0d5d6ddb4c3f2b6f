"""A grave rule below milder ones: mail that matches both goes to the milder one.

Grave is what becomes urgent, or what starts at a higher level with a higher priority, high at least. The order
is taken as meant in these cases:

- The milder rule asks who wrote, how the mail came, or how its subject begins. Alternatives of a rule that only
  ask what the mail says are still compared.
- The milder rule is an exception from the grave one: all of its mail matches that one too.
- The milder rule excludes words of the grave one with `none`.
- The mail of a test beside the rules matches both, and goes to the milder one.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from mailbot.analysis.lint.finding import Finding, Severity
from mailbot.analysis.lint.formulas import STRING, And, Formula, Literal, Or, literals
from mailbot.analysis.lint.rule_context import RuleContext
from mailbot.analysis.lint.rule_order import MOST, alternatives_of, final_rules
from mailbot.analysis.lint.search import Example, Impossible
from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import PRIORITIES, AllOf, NoneOf, When

GRAVER = "graver-below"
MOST_NAMED = 12  # milder rules of one grave rule: each is a search
CONTENTS = frozenset(
    {
        "subject",
        "body",
        "new_body",
        "language",
        "amount",
        "attachment_name",
        "attachment_type",
        "attachments",
        "size",
    }
    | {"hour", "asks_to_change_account", "learned"}
)
_HIGH, _URGENT = PRIORITIES.index("high"), PRIORITIES.index("urgent")


def find(context: RuleContext) -> Iterator[Finding]:
    """Report each grave rule once, with the first milder rules above it. Adds these pairs to `context.graver`."""
    rules = final_rules(context)
    for place, lower in enumerate(rules):
        if not _asks_words(context, lower):
            continue
        milder = dict(islice(_milder(context, rules[:place], lower), MOST_NAMED))
        if milder:
            context.graver.update((upper, lower) for upper in milder)
            yield _finding(context, lower, milder)


def _milder(context: RuleContext, above: Sequence[int], lower: int) -> Iterator[tuple[int, Example]]:
    for upper in above:
        example = _example(context, upper, lower) if _is_graver(context, lower, upper) else None
        if example and not _is_tested(context, upper, lower):
            yield upper, example


def _finding(context: RuleContext, lower: int, milder: dict[int, Example]) -> Finding:
    rule = context.rules[lower]
    return Finding(
        GRAVER,
        Severity.REMARK,
        context.spot(lower),
        f"rule {rule.name!r} ({_gravity_text(context, lower)}) is below {context.rule_names(milder)}, "
        f"which {'is' if len(milder) == 1 else 'are'} milder: mail like this goes there",
        "move it up; if the order is meant, write a test with such a mail, or exclude its words there with `none`",
        (rule.name, *(context.rules[each].name for each in milder)),
        context.witness(next(iter(milder.values()))),
    )


# --- gravity ----------------------------------------------------------------------------------------------


def _gravity(context: RuleContext, index: int) -> tuple[int, int]:
    """Return the ranks of the level at which the rule's tickets start, and of their priority."""
    then, levels = context.rules[index].then, context.policy.levels
    priority = then.priority or conditions.priority(then.urgency or "normal", then.complexity or "medium")
    return levels.index(then.level or levels[0]), PRIORITIES.index(priority)


def _gravity_text(context: RuleContext, index: int) -> str:
    level, priority = _gravity(context, index)
    return f"{PRIORITIES[priority]}, {context.policy.levels[level]}"


def _is_graver(context: RuleContext, lower: int, upper: int) -> bool:
    level, priority = _gravity(context, lower)
    mild_level, mild_priority = _gravity(context, upper)
    if priority >= _URGENT:
        return priority > mild_priority and level >= mild_level
    return priority >= _HIGH and priority > mild_priority and level > mild_level


# --- what is meant ----------------------------------------------------------------------------------------


def _asks_words(context: RuleContext, index: int) -> bool:
    """Decide whether the rule could stand above: a learned one must stand below."""
    is_learned = conditions.is_learned(context.rules[index].when)
    return not is_learned and any(_is_word(each) for each in literals(context.formulas[index]))


def _is_word(literal: Literal) -> bool:
    return (
        literal.sign
        and literal.atom.operator in STRING
        and literal.atom.field in ("subject", "body", "new_body")
    )


def _example(context: RuleContext, upper: int, lower: int) -> Example | None:
    """Find a mail that matches both and goes to `upper`; None where the order seems meant."""
    wanted = _what_it_says(context, upper)
    if wanted is None or _excludes_words(context, upper, lower):
        return None
    if isinstance(context.search.find(context.formulas[upper], (lower,)), Impossible):
        return None  # an exception from the lower one
    answer = context.search.find(And((wanted, context.formulas[lower])), context.final_rules(upper))
    return answer if isinstance(answer, Example) else None


def _what_it_says(context: RuleContext, index: int) -> Formula | None:
    """Return the alternatives of a rule that ask nothing but what the mail says, None without any."""
    every = list(islice(alternatives_of(context, index), MOST))
    own = [each for each in every if not any(map(_asks_who, (*each.words, *each.rest)))]
    if len(own) == len(every):
        return context.formulas[index]
    return Or(tuple(each.formula() for each in own)) if own else None


def _asks_who(literal: Literal) -> bool:
    """Check for a question about sender, header, history, or the beginning of the subject."""
    asked = literal.atom
    return asked.field not in CONTENTS or (
        asked.field == "subject" and asked.operator in ("starts_with", "is")
    )


def _excludes_words(context: RuleContext, upper: int, lower: int) -> bool:
    asked = {each.atom.phrase for each in literals(context.formulas[lower]) if _is_word(each)}
    excluded = {
        each.atom.phrase
        for part in _exclusions(context.rules[upper].when)
        for each in literals(context.builder.build(part))
        if _is_word(each)
    }
    return any(one in other or other in one for one in excluded for other in asked)


def _exclusions(when: When | None) -> Iterator[When]:
    """List the conditions under `none` that hold for the whole rule."""
    if isinstance(when, NoneOf):
        yield from when.parts
    elif isinstance(when, AllOf):
        for part in when.parts:
            yield from _exclusions(part)


def _is_tested(context: RuleContext, upper: int, lower: int) -> bool:
    """Check that a test beside the rules shows this order."""
    return any(
        context.formulas[lower].holds(mail)
        and conditions.match_rules(context.rules, mail)[-1].rule_index == upper
        for mail in context.tested
    )
