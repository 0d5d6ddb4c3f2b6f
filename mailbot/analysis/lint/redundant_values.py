"""Values without effect: another value covers them, or a rule above takes all their mail."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mailbot.analysis.lint.finding import Finding, Severity
from mailbot.analysis.lint.formulas import ANY_OF, WHOLE, And, Formula, Literal, Or, literals
from mailbot.analysis.lint.rule_context import RuleContext
from mailbot.analysis.lint.search import Example
from mailbot.analysis.lint.text import solver
from mailbot.domain.routing.conditions import AllOf, AnyOf, Condition, NoneOf, When
from mailbot.domain.routing.money import read

ADDS_NOTHING, TAKEN, TWO_AMOUNTS = "adds-nothing", "taken-above", "two-amounts"
FEW = 60  # most values of other operators than `contains` that are compared in pairs
# Texts that fulfil one of these contain the phrase.
_CONTAINING = frozenset({"contains", "mentions", "starts_with", "ends_with", "is"})


def find(context: RuleContext) -> Iterator[Finding]:
    above = RulesAbove()
    for index, rule in enumerate(context.rules):
        if index in context.dead or rule.when is None:
            continue
        for group in _groups(rule.when):
            yield from _within_list(context, index, group)
        yield from _two_amounts(context, index, rule.when)
        yield from _covered_above(context, index, above)
        if not rule.go_on:
            above.add(index, context.formulas[index])


# --- within one list --------------------------------------------------------------------------------------


def _groups(when: When) -> Iterator[list[Condition]]:
    """Group conditions on one field of which any suffices. Conditions that must all hold stay single."""
    if isinstance(when, Condition):
        if when.operator in ANY_OF:
            yield [when]
        return
    simple = [each for each in when.parts if isinstance(each, Condition)]
    if isinstance(when, AllOf):
        for each in simple:
            yield from _groups(each)
    else:
        for name in dict.fromkeys(each.field for each in simple):
            yield [each for each in simple if each.field == name and each.operator in ANY_OF]
    for part in when.parts:
        if isinstance(part, AllOf | AnyOf | NoneOf):
            yield from _groups(part)


def _within_list(context: RuleContext, index: int, group: Sequence[Condition]) -> Iterator[Finding]:
    values = [
        literal
        for condition in group
        for literal in _values(context, condition)
        if literal.atom.operator not in ("matches", "within", "in_calendar")
    ]
    phrases = _Phrases()
    for literal in values:
        if literal.atom.operator == "contains":
            phrases.add(literal.atom.phrase, literal)
    seen: dict[tuple[str, str], Literal] = {}
    for literal in values:
        key = (literal.atom.operator, literal.atom.phrase)
        if key in seen:
            yield _adds_nothing(context, index, literal, None)
            continue
        seen[key] = literal
        wider = next(phrases.inside(literal), None) or _pairwise(literal, values)
        if wider:
            yield _adds_nothing(context, index, literal, wider)


def _values(context: RuleContext, condition: Condition) -> list[Literal]:
    """List the literals of a condition; of a field that is two those of the first alone."""
    found = list(literals(context.builder.build(condition)))
    first = WHOLE.get(condition.field, ("",))[0]
    return [each for each in found if first in ("", each.atom.field)]


def _pairwise(literal: Literal, values: Sequence[Literal]) -> Literal | None:
    """Find a literal that `literal` implies. Those of `contains` are compared by `_Phrases` already."""
    others = [each for each in values if each.atom.operator != "contains"]
    if literal.atom.operator == "contains" or len(others) > FEW:
        return None
    return next((each for each in others if _differs(each, literal) and solver.implies(literal, each)), None)


def _differs(one: Literal, other: Literal) -> bool:
    """Check that two literals are not equal in meaning: of equal ones the first may stay."""
    return one.atom != other.atom and not (
        one.atom.phrase == other.atom.phrase and solver.implies(one, other)
    )


def _adds_nothing(context: RuleContext, index: int, literal: Literal, wider: Literal | None) -> Finding:
    rule, item = context.rules[index], str(literal.atom.item)
    because = f"{_literal_text(wider)} is in the same list" if wider else "it is twice in the list"
    return Finding(
        ADDS_NOTHING,
        Severity.REMARK,
        context.spot(index, "when", item=item),
        f"rule {rule.name!r}: {_literal_text(literal)} adds nothing, {because}",
        names=(rule.name,),
        witness=context.witness(
            context.search.find(And((context.formulas[index], literal)), context.final_rules(index))
        ),
    )


def _literal_text(literal: Literal) -> str:
    return f"{literal.atom.operator.replace('_', ' ')} {str(literal.atom.item)!r}"


# --- taken by a rule above --------------------------------------------------------------------------------


@dataclass(slots=True)
class _Phrases:
    """Phrases that a text may contain, indexed to find those inside of another phrase."""

    known: dict[str, Literal] = field(default_factory=dict)
    lengths: set[int] = field(default_factory=set)

    def add(self, phrase: str, literal: Literal) -> None:
        self.known.setdefault(phrase, literal)
        self.lengths.add(len(phrase))

    def inside(self, literal: Literal) -> Iterator[Literal]:
        """List the phrases that every text with `literal` contains, without itself."""
        if literal.atom.operator not in _CONTAINING:
            return
        text = literal.atom.phrase
        for length in self.lengths:
            for start in range(len(text) - length + 1):
                found = self.known.get(text[start : start + length])
                if found and found.atom is not literal.atom and found.atom != literal.atom:
                    yield found


@dataclass(slots=True)
class RulesAbove:
    """The literals that suffice for a rule further up."""

    phrases: dict[tuple[str, str], _Phrases] = field(default_factory=dict)  # by field and operator
    owner: dict[Literal, int] = field(default_factory=dict)

    def add(self, index: int, wanted: Formula) -> None:
        for each in wanted.parts if isinstance(wanted, Or) else (wanted,):
            if isinstance(each, Literal) and each.sign:
                self.owner.setdefault(each, index)
                if each.atom.operator in ("contains", "mentions"):
                    known = self.phrases.setdefault((each.atom.field, each.atom.operator), _Phrases())
                    known.add(each.atom.phrase, each)

    def covering(self, literal: Literal) -> Literal | None:
        """Find a literal that holds for every mail with `literal`."""
        if literal in self.owner:
            return literal
        for operator in ("contains", "mentions"):
            known = self.phrases.get((literal.atom.field, operator))
            for each in known.inside(literal) if known else ():
                if operator == "contains" or solver.implies(literal, each):
                    return each
        return None


def _covered_above(context: RuleContext, index: int, above: RulesAbove) -> Iterator[Finding]:
    """Find values whose mail all goes to rules above. A value of `text` counts as subject and as body."""
    rule = context.rules[index]
    wanted = [each for each in literals(context.formulas[index]) if each.sign]
    by_value: dict[tuple[str, object], list[Literal]] = {}
    for each in wanted:
        by_value.setdefault((each.atom.operator, each.atom.item), []).append(each)
    for (_, item), group in by_value.items():
        covers = [above.covering(each) for each in group]
        cover = covers[0]
        if cover is None or not all(covers):
            continue
        owner = above.owner[cover]
        answer = context.search.find(And((context.formulas[index], group[0])))
        if not isinstance(answer, Example):
            continue  # it can't hold in its own rule: other checks report that
        yield Finding(
            TAKEN,
            Severity.REMARK,
            context.spot(index, "when", item=str(item)),
            f"rule {rule.name!r} tests without effect whether it {_literal_text(group[0])}: "
            f"{context.rule_names([owner])} takes all such mail, because of {_literal_text(cover)}",
            "remove it, or move this rule up",
            (rule.name, context.rules[owner].name),
            context.witness(answer),
        )


# --- amounts ----------------------------------------------------------------------------------------------


def _two_amounts(context: RuleContext, index: int, when: When) -> Iterator[Finding]:
    """Find bounds such as "over 5 and below 1 million" in the wrong order.

    Each bound may be fulfilled by another amount, so such a rule takes only mail with two amounts.
    """
    bounds = dict(_amount_bounds(when))
    over, below = bounds.get("over"), bounds.get("below")
    if not over or not below:
        return
    more, less = read(str(over.value)), read(str(below.value))
    if more.currency != less.currency or more.amount < less.amount:
        return
    yield Finding(
        TWO_AMOUNTS,
        Severity.REMARK,
        context.spot(index, "when", item=str(over.value)),
        f"rule {context.rules[index].name!r} takes only mail that names two amounts, {over} and {below}",
        "are the two values swapped?",
        (context.rules[index].name,),
        context.witness(context.search.find(context.formulas[index], context.final_rules(index))),
    )


def _amount_bounds(when: When) -> Iterable[tuple[str, Condition]]:
    """List the bounds of `amount` that must all hold."""
    if isinstance(when, Condition):
        return (
            [(when.operator, when)] if when.field == "amount" and when.operator in ("over", "below") else []
        )
    return [each for part in when.parts for each in _amount_bounds(part)] if isinstance(when, AllOf) else []
