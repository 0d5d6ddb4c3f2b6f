"""Two rules that give one mail different owners, where nothing but their order decides.

Any two lists of words meet in a mail that holds a word of each, so that alone says nothing. What is said: an
alternative of one rule and an alternative of the other ask for the same words, or the upper one for fewer or
shorter ones, each asks for something besides that the other doesn't, and a mail that both want is given to
the upper one. That is how first-match rules are written: the more special above the more general, and the
graver (a higher level or urgency) above the less grave. Neither is said, nor is a rule or a value all of
whose mail goes to the upper one, which is said elsewhere.

The same is said where one asks of the subject what the other asks of the body, and where both bound the same
thing (amount, size, hour ...) and one of them asks for no words at all.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product

from mailbot.analysis.lint.finding import Finding, Severity
from mailbot.analysis.lint.formulas import STRING, And, Formula, Literal, Or
from mailbot.analysis.lint.rule_context import RuleContext
from mailbot.analysis.lint.search import Example, Impossible, Unknown
from mailbot.analysis.lint.text import solver
from mailbot.domain.routing.conditions import URGENCIES

ORDER = "order-decides"
ALTERNATIVES = 200  # alternatives of a rule that are looked at
TRIES = 4  # pairs of alternatives of two rules that are asked about
TEXTS = ("body", "subject")
BOUNDED = frozenset({"amount", "size", "open_tickets", "attachments", "hour"})


@dataclass(frozen=True, slots=True)
class Alternative:
    """One alternative of a rule: all of these literals. `words` are what it wants to read."""

    rule: int
    words: tuple[Literal, ...]
    rest: frozenset[Literal]

    def formula(self) -> Formula:
        return And((*self.words, *self.rest))


def find(context: RuleContext) -> Iterator[Finding]:
    """The pairs worth a remark."""
    alternatives = [
        alternative
        for index in _enders(context)
        for alternative in islice(_alternatives_of(context, index), ALTERNATIVES)
    ]
    tried: dict[tuple[int, int], int] = {}
    pairs = (*_worded(alternatives), *_across(alternatives), *_bounded(alternatives))
    for first, second in (sorted(each, key=lambda alternative: alternative.rule) for each in pairs):
        pair = (first.rule, second.rule)
        if tried.get(pair, 0) >= TRIES or not _differ(context, *pair) or _more_severe(context, *pair):
            continue
        tried[pair] = tried.get(pair, 0) + 1
        finding = _decided(context, first.rule, second.rule, first.formula(), second.formula())
        if finding:
            tried[pair] = TRIES
            yield finding


def _worded(alternatives: Sequence[Alternative]) -> Iterator[tuple[Alternative, Alternative]]:
    """Pairs of which one asks for the words of the other, or for more."""
    for special, general in _related(alternatives):
        first, second = sorted((special, general), key=lambda alternative: alternative.rule)
        if first.rule == second.rule or not general.rest:
            continue
        if special is second and first.rest <= second.rest:
            continue  # the special one lies within the general one
        if _as_general(first, second):
            yield first, second


def find_all_pairs(context: RuleContext) -> Iterator[Finding]:
    """Every pair of rules with different owners that some mail fulfils both of, for `--all`."""
    final_rules = _enders(context)
    for place, first in enumerate(final_rules):
        for second in final_rules[place + 1 :]:
            if _differ(context, first, second):
                finding = _decided(context, first, second, context.formulas[first], context.formulas[second])
                if finding:
                    yield finding


def _enders(context: RuleContext) -> list[int]:
    last = len(context.rules) - 1
    return [i for i in context.final_rules(last) if context.rules[i].when]


def _as_general(first: Alternative, second: Alternative) -> bool:
    """Does the first want no word that the second does not want?"""
    return all(any(solver.implies(yes, no) for yes in second.words) for no in first.words)


def _more_severe(context: RuleContext, first: int, second: int) -> bool:
    one, other = context.rules[first].then, context.rules[second].then
    levels = context.policy.levels
    grave = [
        (levels.index(each.level or levels[0]), URGENCIES.index(each.urgency or "normal"))
        for each in (one, other)
    ]
    return grave[0][0] > grave[1][0] or grave[0][1] > grave[1][1]


def _differ(context: RuleContext, first: int, second: int) -> bool:
    owners = [
        (context.rules[i].then.team, context.rules[i].then.level or context.policy.levels[0])
        for i in (first, second)
    ]
    return owners[0] != owners[1]


def _decided(context: RuleContext, first: int, second: int, one: Formula, other: Formula) -> Finding | None:
    both = context.search.find(And((one, other)), context.final_rules(first))
    upper, lower = context.rules[first], context.rules[second]
    if isinstance(both, Unknown):
        said = f"it is not decided whether rules {upper.name!r} and {lower.name!r} want the same mail"
        text = f"{said}: {both.reason}"
        return Finding(ORDER, Severity.UNDECIDED, context.spot(second), text, names=(lower.name, upper.name))
    if not isinstance(both, Example):
        return None
    for inner, outer in ((one, second), (other, first)):
        if isinstance(context.search.find(inner, (outer,)), Impossible):
            return None  # all of it lies within the other rule
    return Finding(
        ORDER,
        Severity.REMARK,
        context.spot(second),
        f"rule {lower.name!r} ({_owner(context, second)}) and {context.rule_names([first])} "
        f"({_owner(context, first)}) both want mail like this; their order alone gives it to the upper one",
        "if that is meant, all is well; else move one, or have it ask for more",
        (lower.name, upper.name),
        context.witness(both),
    )


def _owner(context: RuleContext, index: int) -> str:
    then = context.rules[index].then
    return f"team {then.team}" + (f", level {then.level}" if then.level else "")


# --- alternatives -----------------------------------------------------------------------------------------


def _alternatives_of(context: RuleContext, index: int) -> Iterator[Alternative]:
    for literals in _alternatives(context.formulas[index]):
        words = tuple(
            each for each in literals if each.sign and each.atom.operator in STRING and not _finite(each)
        )
        yield Alternative(index, words, frozenset(literals) - set(words))


def _finite(literal: Literal) -> bool:
    return literal.atom.field in ("language", "authentication") or literal.atom.item is True


def _alternatives(of: Formula) -> Iterator[tuple[Literal, ...]]:
    if isinstance(of, Literal):
        yield (of,)
    elif isinstance(of, Or):
        for part in _once(of.parts):
            yield from _alternatives(part)
    else:
        ways = [list(islice(_alternatives(part), ALTERNATIVES)) for part in of.parts]
        for way in product(*ways):
            yield tuple(dict.fromkeys(each for literals in way for each in literals))


def _once(parts: Iterable[Formula]) -> Iterator[Formula]:
    """Without what is asked of the subject when the body is asked the same."""
    bodies = {
        (each.atom.operator, each.atom.item)
        for each in parts
        if isinstance(each, Literal) and each.atom.field == "body"
    }
    for each in parts:
        doubled = (
            isinstance(each, Literal)
            and each.atom.field == "subject"
            and (each.atom.operator, each.atom.item) in bodies
        )
        if not doubled:
            yield each


def _related(alternatives: Iterable[Alternative]) -> Iterator[tuple[Alternative, Alternative]]:
    """(special, general): every word that the second wants is among those of the first; at least one asks for
    something else besides."""
    listed = [alternative for alternative in alternatives if alternative.words]
    by_phrase: dict[tuple[str, str], list[Alternative]] = {}
    for alternative in listed:
        by_phrase.setdefault(_phrase(alternative.words[0]), []).append(alternative)
    lengths = {len(phrase) for _, phrase in by_phrase}
    for special in listed:
        found: dict[int, Alternative] = {}
        for literal in special.words:
            name, text = _phrase(literal)
            for length in lengths:
                for start in range(len(text) - length + 1):
                    for general in by_phrase.get((name, text[start : start + length]), ()):
                        if general is not special and (special.rest or general.rest):
                            found[id(general)] = general
        for general in found.values():
            if all(any(solver.implies(yes, no) for yes in special.words) for no in general.words):
                yield special, general


def _across(alternatives: Iterable[Alternative]) -> Iterator[tuple[Alternative, Alternative]]:
    """Pairs that ask for one and the same words, in the subject and in the body."""
    found: dict[tuple[str, ...], dict[str, list[Alternative]]] = {}
    for alternative in alternatives:
        fields = {each.atom.field for each in alternative.words}
        if len(fields) == 1 and fields < set(TEXTS):
            same = found.setdefault(tuple(sorted(each.atom.phrase for each in alternative.words)), {})
            same.setdefault(fields.pop(), []).append(alternative)
    for same in found.values():
        for one, other in product(*(same.get(name, ()) for name in TEXTS)):
            if one.rule != other.rule:
                yield one, other


def _bounded(alternatives: Iterable[Alternative]) -> Iterator[tuple[Alternative, Alternative]]:
    """Pairs that bound the same thing, one of them without asking for words."""
    bounds = [
        (alternative, {each.atom.field for each in alternative.rest} & BOUNDED)
        for alternative in alternatives
    ]
    bounds = [each for each in bounds if each[1]]
    for one, of_one in bounds:
        for other, of_other in bounds if not one.words else ():
            if one.rule != other.rule and of_one & of_other and (other.words or one.rule < other.rule):
                yield one, other


def _phrase(literal: Literal) -> tuple[str, str]:
    return literal.atom.field, literal.atom.phrase
