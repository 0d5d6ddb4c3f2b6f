"""Conditions as formulas: nothing but "and" and "or" over literals, each a single question with its answer.

A list of values is taken apart into one literal for each where the operator means any or all of them, the
field `text` into subject and body, a short list of `listed_in` into its entries. An operator that isn't known
here stays whole: its literal is opaque, which is sound (it can hold or not, whatever else holds) and at worst
leaves something undecided.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import AllOf, AnyOf, Condition, NoneOf, RoutingFacts, When
from mailbot.domain.routing.field_types import NO_CONTEXT, Context
from mailbot.domain.routing.text import fold

STRING = frozenset({"contains", "mentions", "matches", "is", "starts_with", "ends_with", "under"})
ANY_OF = STRING | {"within", "in_calendar"}
ALL_OF = {"contains_all": "contains"}  # these are asked one by one, as the other
ONE = frozenset({"exists", "over", "below"})  # of a single value
SHORT = 300  # entries of a list that are looked at one by one


@dataclass(frozen=True, slots=True)
class Atom:
    """One question with one value. `item` is what the admin wrote, for an opaque atom all of it; `phrase` is
    the same as text, folded."""

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


def _group(group: type[And] | type[Or], parts: Iterable[Formula]) -> Formula:
    flat: list[Formula] = []
    for part in parts:
        flat += part.parts if isinstance(part, group) else (part,)
    unique = tuple(dict.fromkeys(flat))
    return unique[0] if len(unique) == 1 else group(unique)


class _Unknown(Exception):
    """A condition that can't be taken apart: it stays whole."""


@dataclass(frozen=True, slots=True)
class FormulaBuilder:
    """Reads conditions; `context` is what they were built with."""

    context: Context = NO_CONTEXT
    _built: dict[tuple[str, str, object], Condition | None] = dataclasses.field(default_factory=dict)

    def formula(self, when: When) -> Formula:
        match when:
            case Condition():
                try:
                    return self._condition(when)
                except _Unknown:
                    return Literal(Atom(when.field, when.operator, when.value, when, opaque=True), True)
            case AllOf(parts):
                return _group(And, map(self.formula, parts))
            case AnyOf(parts):
                return _group(Or, map(self.formula, parts))
            case NoneOf(parts):
                return _group(And, (negation(self.formula(part)) for part in parts))

    def _condition(self, asked: Condition) -> Formula:
        values: tuple[object, ...] = asked.value if isinstance(asked.value, tuple) else (asked.value,)
        if asked.operator == "outside_calendar":
            return _group(And, [negation(self._one(asked, "in_calendar", value)) for value in values])
        if asked.operator == "listed_in":
            return _group(Or, [self._listed(asked, str(value)) for value in values])
        if values == (False,) and asked.operator in ("is", "exists"):
            return negation(self._one(asked, asked.operator, True))
        if asked.operator in ALL_OF:
            return _group(And, [self._split(asked, ALL_OF[asked.operator], [value]) for value in values])
        if asked.operator in ANY_OF:
            return self._split(asked, asked.operator, values)
        if asked.operator in ONE and len(values) == 1:
            return self._one(asked, asked.operator, values[0])
        raise _Unknown

    def _split(self, asked: Condition, operator: str, values: Iterable[object]) -> Formula:
        """Any of the values. Of `text` the body comes first: a mail with one line reads more easily."""
        fields = ("body", "subject") if asked.field == "text" else (asked.field,)
        return _group(Or, [self._one(asked, operator, value, name) for name in fields for value in values])

    def _one(self, asked: Condition, operator: str, value: object, name: str = "") -> Formula:
        name = name or asked.field
        key = (name, operator, value)
        if name == "text":
            return self._split(asked, operator, [value])
        if key not in self._built:
            self._built[key] = self._rebuilt(name, operator, value)
        rebuilt = self._built[key]
        if rebuilt is None:
            raise _Unknown
        return Literal(Atom(_lower(name), operator, value, rebuilt, phrase=fold(str(value))), True)

    def _rebuilt(self, name: str, operator: str, value: object) -> Condition | None:
        try:
            return conditions.build(name, operator, value, self.context)
        except ValueError:
            return None

    def _listed(self, asked: Condition, name: str) -> Formula:
        found = (self.context.lists or {}).get(name)
        if found is None or len(found.addresses) + len(found.domains) > SHORT:
            return self._one(asked, "listed_in", name)
        addresses = sorted(found.addresses) if asked.field == "sender" else []
        if asked.field not in ("sender", "sender_domain"):
            return self._one(asked, "listed_in", name)
        return _group(
            Or,
            [
                *(self._one(asked, "is", each) for each in addresses),
                *(self._one(asked, "under", each, "sender_domain") for each in sorted(found.domains)),
            ],
        )


def _lower(name: str) -> str:
    return name.lower() if name.startswith(conditions.HEADER) else name
