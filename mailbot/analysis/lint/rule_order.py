"""Two rules that give one mail different owners, where only their order decides.

Any two lists of words meet in a mail with a word of each, so that alone is no finding. A pair is reported
when three conditions hold. An alternative of the upper rule needs the same words as one of the lower rule, or
fewer or shorter ones. Each of the two needs something that the other does not. And mail that both match goes
to the upper one. First-match rules are written with the special rule above the general one, and with the more
severe rule (higher level or urgency) above the less severe: such pairs are not reported. Nor are rules or
values that lose all their mail, which other checks report.

The same holds for a rule that tests the subject for what the other tests the body for. It also holds for
two rules that bound one number (amount, size, hour ...), where one of them tests no words.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product

from mailbot.analysis.lint.finding import Finding, Severity
from mailbot.analysis.lint.formulas import STRING, And, Formula, Literal, Or
from mailbot.analysis.lint.rule_context import RuleContext
from mailbot.analysis.lint.search import Example, Impossible, Unknown
from mailbot.analysis.lint.text import solver
from mailbot.domain.routing.conditions import URGENCIES

ORDER = "order-decides"
MOST = 200  # alternatives of a rule that are examined
TRIES = 4  # pairs of alternatives that are searched for two rules
BODIES = ("body", "new_body")
BOUNDED = frozenset({"amount", "size", "open_tickets", "attachments", "hour"})


@dataclass(frozen=True, slots=True)
class Alternative:
    """One alternative of a rule: all of these literals. `words` are its texts."""

    rule: int
    words: tuple[Literal, ...]
    rest: frozenset[Literal]

    def formula(self) -> Formula:
        return And((*self.words, *self.rest))


def find(context: RuleContext) -> Iterator[Finding]:
    """Report pairs of rules that only their order decides."""
    alternatives = [
        alternative
        for index in final_rules(context)
        for alternative in islice(alternatives_of(context, index), MOST)
    ]
    tried: dict[tuple[int, int], int] = {}
    pairs = (
        *_pairs_by_words(alternatives),
        *_pairs_across_fields(alternatives),
        *_pairs_by_bounds(alternatives),
    )
    for first, second in (sorted(each, key=lambda alternative: alternative.rule) for each in pairs):
        pair = (first.rule, second.rule)
        if tried.get(pair, 0) >= TRIES or pair in context.graver:
            continue
        if not _owners_differ(context, *pair) or _more_severe(context, *pair):
            continue
        tried[pair] = tried.get(pair, 0) + 1
        finding = _finding(context, first.rule, second.rule, first.formula(), second.formula())
        if finding:
            tried[pair] = TRIES
            yield finding


def _pairs_by_words(alternatives: Sequence[Alternative]) -> Iterator[tuple[Alternative, Alternative]]:
    """List pairs of which one needs the words of the other, or more."""
    for special, general in _related(alternatives):
        first, second = sorted((special, general), key=lambda alternative: alternative.rule)
        if first.rule == second.rule or not general.rest:
            continue
        if special is second and first.rest <= second.rest:
            continue  # the special one is part of the general one
        if _is_as_general(first, second):
            yield first, second


def find_all_pairs(context: RuleContext) -> Iterator[Finding]:
    """Report every pair of rules with different owners that some mail matches both of, for `--all`."""
    rules = final_rules(context)
    for place, first in enumerate(rules):
        for second in rules[place + 1 :]:
            if _owners_differ(context, first, second):
                finding = _finding(context, first, second, context.formulas[first], context.formulas[second])
                if finding:
                    yield finding


def final_rules(context: RuleContext) -> list[int]:
    """List the rules with conditions that end the routing and can match."""
    last = len(context.rules) - 1
    return [i for i in context.final_rules(last) if context.rules[i].when]


def _is_as_general(first: Alternative, second: Alternative) -> bool:
    """Check that the first needs no word that the second does not need."""
    return all(any(solver.implies(yes, no) for yes in second.words) for no in first.words)


def _more_severe(context: RuleContext, first: int, second: int) -> bool:
    one, other = context.rules[first].then, context.rules[second].then
    levels = context.policy.levels
    severity = [
        (levels.index(each.level or levels[0]), URGENCIES.index(each.urgency or "normal"))
        for each in (one, other)
    ]
    return severity[0][0] > severity[1][0] or severity[0][1] > severity[1][1]


def _owners_differ(context: RuleContext, first: int, second: int) -> bool:
    owners = [
        (context.rules[i].then.team, context.rules[i].then.level or context.policy.levels[0])
        for i in (first, second)
    ]
    return owners[0] != owners[1]


def _finding(context: RuleContext, first: int, second: int, one: Formula, other: Formula) -> Finding | None:
    both = context.search.find(And((one, other)), context.final_rules(first))
    upper, lower = context.rules[first], context.rules[second]
    if isinstance(both, Unknown):
        message = f"it is not decided whether rules {upper.name!r} and {lower.name!r} match the same mail"
        text = f"{message}: {both.reason}"
        return Finding(ORDER, Severity.UNDECIDED, context.spot(second), text, names=(lower.name, upper.name))
    if not isinstance(both, Example):
        return None
    for inner, outer in ((one, second), (other, first)):
        if isinstance(context.search.find(inner, (outer,)), Impossible):
            return None  # it is part of the other rule
    return Finding(
        ORDER,
        Severity.REMARK,
        context.spot(second),
        f"rule {lower.name!r} ({_owner(context, second)}) and {context.rule_names([first])} "
        f"({_owner(context, first)}) both match mail like this: only their order gives it to the upper one",
        "keep it if intended, else move one or make it narrower",
        (lower.name, upper.name),
        context.witness(both),
    )


def _owner(context: RuleContext, index: int) -> str:
    then = context.rules[index].then
    return f"team {then.team}" + (f", level {then.level}" if then.level else "")


# --- alternatives -----------------------------------------------------------------------------------------


def alternatives_of(context: RuleContext, index: int) -> Iterator[Alternative]:
    """List the alternatives of a rule; tests of the subject that the body has too are left out."""
    for literals in _alternatives(context.formulas[index]):
        words = tuple(
            each
            for each in literals
            if each.sign and each.atom.operator in STRING and not _has_few_values(each)
        )
        yield Alternative(index, words, frozenset(literals) - set(words))


def _has_few_values(literal: Literal) -> bool:
    return (
        literal.atom.field in ("language", "authentication", "author", "channel") or literal.atom.item is True
    )


def _alternatives(of: Formula) -> Iterator[tuple[Literal, ...]]:
    if isinstance(of, Literal):
        yield (of,)
    elif isinstance(of, Or):
        for part in _without_doubles(of.parts):
            yield from _alternatives(part)
    else:
        choices = [list(islice(_alternatives(part), MOST)) for part in of.parts]
        for combination in product(*choices):
            yield tuple(dict.fromkeys(each for literals in combination for each in literals))


def _without_doubles(parts: Iterable[Formula]) -> Iterator[Formula]:
    """Leave out tests of the subject that a body has too."""
    bodies = {
        (each.atom.operator, each.atom.item)
        for each in parts
        if isinstance(each, Literal) and each.atom.field in BODIES
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
    """List (special, general): the words of `general` are among those of `special`.

    At least one of the two needs something besides.
    """
    listed = [alternative for alternative in alternatives if alternative.words]
    by_phrase: dict[tuple[str, str], list[Alternative]] = {}
    for alternative in listed:
        by_phrase.setdefault(_phrase(alternative.words[0]), []).append(alternative)
    inside: dict[tuple[str, str], list[Alternative]] = {}  # alternatives share most of their phrases
    for special in listed:
        related: dict[int, Alternative] = {}
        for phrase in map(_phrase, special.words):
            if phrase not in inside:
                inside[phrase] = list(_within(phrase, by_phrase))
            for general in inside[phrase]:
                if general is not special and (special.rest or general.rest):
                    related[id(general)] = general
        for general in related.values():
            if all(any(solver.implies(yes, no) for yes in special.words) for no in general.words):
                yield special, general


def _within(
    phrase: tuple[str, str], by_phrase: Mapping[tuple[str, str], Sequence[Alternative]]
) -> Iterator[Alternative]:
    """List the alternatives whose first phrase is a part of this one, in the same field."""
    name, text = phrase
    for length in {len(each) for _, each in by_phrase}:
        for start in range(len(text) - length + 1):
            yield from by_phrase.get((name, text[start : start + length]), ())


def _pairs_across_fields(alternatives: Iterable[Alternative]) -> Iterator[tuple[Alternative, Alternative]]:
    """List pairs that need the same words, one in the subject and one in the body."""
    related: dict[tuple[str, ...], dict[str, list[Alternative]]] = {}
    for alternative in alternatives:
        fields = {each.atom.field for each in alternative.words}
        if len(fields) == 1 and fields < {*BODIES, "subject"}:
            same = related.setdefault(tuple(sorted(each.atom.phrase for each in alternative.words)), {})
            same.setdefault(fields.pop(), []).append(alternative)
    for same in related.values():
        for name in BODIES:
            yield from (
                (one, other)
                for one, other in product(same.get(name, ()), same.get("subject", ()))
                if one.rule != other.rule
            )


def _pairs_by_bounds(alternatives: Iterable[Alternative]) -> Iterator[tuple[Alternative, Alternative]]:
    """List pairs that bound the same number, one of them without words."""
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
