"""Values that add nothing: another of the same list says as much, or a rule above takes all of their mail."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mailbot.analysis.lint.finding import Finding, Severity
from mailbot.analysis.lint.formulas import ANY_OF, And, Formula, Literal, Or, literals
from mailbot.analysis.lint.rule_context import RuleContext
from mailbot.analysis.lint.search import Example
from mailbot.analysis.lint.text import solver
from mailbot.domain.routing.conditions import AllOf, AnyOf, Condition, NoneOf, When
from mailbot.domain.routing.money import read

ADDS_NOTHING, TAKEN, TWO_AMOUNTS = "adds-nothing", "taken-above", "two-amounts"
FEW = 60  # values of an operator other than `contains` are compared two by two up to here
_HOLDS_IT = frozenset({"contains", "mentions", "starts_with", "ends_with", "is"})  # of texts that contain it


def find(context: RuleContext) -> Iterator[Finding]:
    above = Above()
    for index, rule in enumerate(context.rules):
        if index in context.dead or rule.when is None:
            continue
        for group in _groups(rule.when):
            yield from _within_list(context, index, group)
        yield from _two_amounts(context, index, rule.when)
        yield from _taken(context, index, above)
        if not rule.go_on:
            above.add(index, context.formulas[index])


# --- within one list --------------------------------------------------------------------------------------


def _groups(when: When) -> Iterator[list[Condition]]:
    """Conditions on one field of which any will do, together; what all must hold is asked one by one."""
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
    short = _Phrases()
    for literal in values:
        if literal.atom.operator == "contains":
            short.add(literal.atom.phrase, literal)
    seen: dict[tuple[str, str], Literal] = {}
    for literal in values:
        key = (literal.atom.operator, literal.atom.phrase)
        if key in seen:
            yield _adds_nothing(context, index, literal, None)
            continue
        seen[key] = literal
        wider = next(short.inside(literal), None) or _pairwise(literal, values)
        if wider:
            yield _adds_nothing(context, index, literal, wider)


def _values(context: RuleContext, condition: Condition) -> list[Literal]:
    """Of a condition on `text` those of the body alone."""
    found = list(literals(context.reader.formula(condition)))
    return [each for each in found if condition.field != "text" or each.atom.field == "body"]


def _pairwise(literal: Literal, values: Sequence[Literal]) -> Literal | None:
    """What `contains` says is known by now."""
    others = [each for each in values if each.atom.operator != "contains"]
    if literal.atom.operator == "contains" or len(others) > FEW:
        return None
    return next((each for each in others if _differs(each, literal) and solver.implies(literal, each)), None)


def _differs(one: Literal, other: Literal) -> bool:
    """Equal words under two operators: the first of them may stay."""
    return one.atom != other.atom and not (
        one.atom.phrase == other.atom.phrase and solver.implies(one, other)
    )


def _adds_nothing(context: RuleContext, index: int, literal: Literal, wider: Literal | None) -> Finding:
    rule, item = context.rules[index], str(literal.atom.item)
    because = f"{_literal_text(wider)} stands in the same list" if wider else "it stands twice in the list"
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
    """Phrases that a text may contain: which of them stand in another phrase, without trying each."""

    known: dict[str, Literal] = field(default_factory=dict)
    lengths: set[int] = field(default_factory=set)

    def add(self, phrase: str, literal: Literal) -> None:
        self.known.setdefault(phrase, literal)
        self.lengths.add(len(phrase))

    def inside(self, literal: Literal) -> Iterator[Literal]:
        """Those that stand in every text that fulfils `literal`, itself left out."""
        if literal.atom.operator not in _HOLDS_IT:
            return
        text = literal.atom.phrase
        for length in self.lengths:
            for start in range(len(text) - length + 1):
                found = self.known.get(text[start : start + length])
                if found and found.atom is not literal.atom and found.atom != literal.atom:
                    yield found


@dataclass(slots=True)
class Above:
    """What is enough for a rule further up to take a mail."""

    phrases: dict[str, _Phrases] = field(default_factory=dict)  # by field
    owner: dict[Literal, int] = field(default_factory=dict)

    def add(self, index: int, wanted: Formula) -> None:
        for each in wanted.parts if isinstance(wanted, Or) else (wanted,):
            if isinstance(each, Literal) and each.sign:
                self.owner.setdefault(each, index)
                if each.atom.operator == "contains":
                    self.phrases.setdefault(each.atom.field, _Phrases()).add(each.atom.phrase, each)

    def taking(self, literal: Literal) -> Literal | None:
        """One that is true of every mail of which `literal` is."""
        if literal in self.owner:
            return literal
        known = self.phrases.get(literal.atom.field)
        return next(known.inside(literal), None) if known else None


def _taken(context: RuleContext, index: int, above: Above) -> Iterator[Finding]:
    """Values of which every mail goes to a rule above; those of `text` as its subject and as its body."""
    rule = context.rules[index]
    wanted = [each for each in literals(context.formulas[index]) if each.sign]
    by: dict[tuple[str, object], list[Literal]] = {}
    for each in wanted:
        by.setdefault((each.atom.operator, each.atom.item), []).append(each)
    for (_, item), group in by.items():
        takers = [above.taking(each) for each in group]
        taker = takers[0]
        if taker is None or not all(takers):
            continue
        owner = above.owner[taker]
        answer = context.search.find(And((context.formulas[index], group[0])))
        if not isinstance(answer, Example):
            continue  # it can't hold in its own rule: that is another matter
        yield Finding(
            TAKEN,
            Severity.REMARK,
            context.spot(index, "when", item=str(item)),
            f"rule {rule.name!r} asks in vain whether it {_literal_text(group[0])}: "
            f"{context.rule_names([owner])} takes all such mail, {_literal_text(taker)} is enough for it",
            "leave it out, or move this rule up",
            (rule.name, context.rules[owner].name),
            context.witness(answer),
        )


# --- amounts ----------------------------------------------------------------------------------------------


def _two_amounts(context: RuleContext, index: int, when: When) -> Iterator[Finding]:
    """More than 5 and less than 1 million: any amount in a mail counts, so it takes two of them."""
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
        "are the two the wrong way round?",
        (context.rules[index].name,),
        context.witness(context.search.find(context.formulas[index], context.final_rules(index))),
    )


def _amount_bounds(when: When) -> Iterable[tuple[str, Condition]]:
    """The bounds of `amount` that must all hold."""
    if isinstance(when, Condition):
        return (
            [(when.operator, when)] if when.field == "amount" and when.operator in ("over", "below") else []
        )
    return [each for part in when.parts for each in _amount_bounds(part)] if isinstance(when, AllOf) else []
