"""Conditions as formulas: "and" and "or" over literals. A literal is one question with its answer.

A list of values becomes one literal for each value where the operator means any or all of them. The field
`text` becomes subject and body, `new_text` subject and new body, a short list of `listed_in` becomes its
entries. An operator that is unknown here stays whole: its literal is opaque. That is sound (it may hold or
not, whatever else holds) and at worst leaves something undecided.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import AllOf, AnyOf, Condition, NoneOf, RoutingFacts, When
from mailbot.domain.routing.field_types import NO_CONTEXT, Context
from mailbot.domain.routing.text import fold

STRING = frozenset({"contains", "mentions", "matches", "is", "starts_with", "ends_with", "under"})
ANY_OF = STRING | {"within", "in_calendar"}
ALL_OF = {"contains_all": "contains"}  # one literal for each value, with the second operator
ONE = frozenset({"exists", "over", "below"})  # of a single value
# Fields that are two: of these the text below the subject is first.
WHOLE = {"text": ("body", "subject"), "new_text": ("new_body", "subject")}
SHORT = 300  # entries of a list that become literals


@dataclass(frozen=True, slots=True)
class Atom:
    """One question with one value. `item` is what the admin wrote; of an opaque atom all of it. `phrase`
    is the same as folded text."""

    field: str
    operator: str
    item: object
    condition: Condition = dataclasses.field(compare=False, repr=False)
    opaque: bool = False
    phrase: str = dataclasses.field(default="", compare=False, repr=False)

    def holds(self, facts: RoutingFacts) -> bool:
        return bool(self.condition.test(conditions.value_of(self.condition, facts)))

    def __str__(self) -> str:
        return str(self.condition)


@dataclass(frozen=True, slots=True)
class Literal:
    atom: Atom
    sign: bool  # is the answer yes?

    def holds(self, facts: RoutingFacts) -> bool:
        return self.atom.holds(facts) is self.sign

    def __str__(self) -> str:
        return str(self.atom) if self.sign else f"not ({self.atom})"


@dataclass(frozen=True, slots=True)
class And:
    parts: "tuple[Formula, ...]"

    def holds(self, facts: RoutingFacts) -> bool:
        return all(part.holds(facts) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    parts: "tuple[Formula, ...]"

    def holds(self, facts: RoutingFacts) -> bool:
        return any(part.holds(facts) for part in self.parts)


Formula = Literal | And | Or


def literals(of: Formula) -> Iterator[Literal]:
    if isinstance(of, Literal):
        yield of
    else:
        for part in of.parts:
            yield from literals(part)


def negation(of: Formula) -> Formula:
    match of:
        case Literal(atom, sign):
            return Literal(atom, not sign)
        case And(parts):
            return Or(tuple(map(negation, parts)))
        case Or(parts):
            return And(tuple(map(negation, parts)))


def assuming(of: Formula, is_true: Callable[[Literal], bool]) -> Formula | None:
    """Return the formula where some literals are true, None when nothing is left to ask.

    It is weaker: what can't hold then could not hold before.
    """
    if isinstance(of, Literal):
        return None if is_true(of) else of
    left = tuple(each for each in (assuming(part, is_true) for part in of.parts) if each)
    if isinstance(of, Or):
        return Or(left) if len(left) == len(of.parts) else None
    return And(left) if left else None


def _group(group: type[And] | type[Or], parts: Iterable[Formula]) -> Formula:
    flat: list[Formula] = []
    for part in parts:
        flat += part.parts if isinstance(part, group) else (part,)
    unique = tuple(dict.fromkeys(flat))
    return unique[0] if len(unique) == 1 else group(unique)


class _Unknown(Exception):
    """A condition that can't be split into literals: it stays whole."""


@dataclass(frozen=True, slots=True)
class FormulaBuilder:
    """Build formulas from conditions. `context` is what the conditions were built with."""

    context: Context = NO_CONTEXT
    _conditions: dict[tuple[str, str, object], Condition | None] = dataclasses.field(default_factory=dict)

    def build(self, when: When) -> Formula:
        match when:
            case Condition():
                try:
                    return self._condition(when)
                except _Unknown:
                    return Literal(Atom(when.field, when.operator, when.value, when, opaque=True), True)
            case AllOf(parts):
                return _group(And, map(self.build, parts))
            case AnyOf(parts):
                return _group(Or, map(self.build, parts))
            case NoneOf(parts):
                return _group(And, (negation(self.build(part)) for part in parts))

    def _condition(self, condition: Condition) -> Formula:
        values: tuple[object, ...] = (
            condition.value if isinstance(condition.value, tuple) else (condition.value,)
        )
        if condition.field == conditions.LEARNED:
            raise _Unknown
        if condition.operator == "outside_calendar":
            return _group(And, [negation(self._one(condition, "in_calendar", value)) for value in values])
        if condition.operator == "listed_in":
            return _group(Or, [self._listed(condition, str(value)) for value in values])
        if values == (False,) and condition.operator in ("is", "exists"):
            return negation(self._one(condition, condition.operator, True))
        if condition.operator in ALL_OF:
            return _group(
                And, [self._split(condition, ALL_OF[condition.operator], [value]) for value in values]
            )
        if condition.operator in ANY_OF:
            return self._split(condition, condition.operator, values)
        if condition.operator in ONE and len(values) == 1:
            return self._one(condition, condition.operator, values[0])
        raise _Unknown

    def _split(self, condition: Condition, operator: str, values: Iterable[object]) -> Formula:
        """Return "any of the values". The body comes before the subject: a mail with one line is easier to
        read."""
        fields = WHOLE.get(condition.field, (condition.field,))
        return _group(
            Or, [self._one(condition, operator, value, name) for name in fields for value in values]
        )

    def _one(self, condition: Condition, operator: str, value: object, name: str = "") -> Formula:
        name = name or condition.field
        key = (name, operator, value)
        if name in WHOLE:
            return self._split(condition, operator, [value])
        if key not in self._conditions:
            self._conditions[key] = self._single_value(name, operator, value)
        single = self._conditions[key]
        if single is None:
            raise _Unknown
        return Literal(Atom(_lower_header(name), operator, value, single, phrase=fold(str(value))), True)

    def _single_value(self, name: str, operator: str, value: object) -> Condition | None:
        try:
            return conditions.build(name, operator, value, self.context)
        except ValueError:
            return None

    def _listed(self, condition: Condition, name: str) -> Formula:
        entries = (self.context.lists or {}).get(name)
        if entries is None or len(entries.addresses) + len(entries.domains) > SHORT:
            return self._one(condition, "listed_in", name)
        addresses = sorted(entries.addresses) if condition.field == "sender" else []
        if condition.field not in ("sender", "sender_domain"):
            return self._one(condition, "listed_in", name)
        return _group(
            Or,
            [
                *(self._one(condition, "is", each) for each in addresses),
                *(self._one(condition, "under", each, "sender_domain") for each in sorted(entries.domains)),
            ],
        )


def _lower_header(name: str) -> str:
    return name.lower() if name.startswith(conditions.HEADER) else name
