"""Which mails fulfil one condition and escape others: an example, the proof that there is none, or neither.

The search goes by examples: a mail is built from the literals chosen so far and shown to the real engine.
What it fails to fulfil is what the search branches on; a rule that takes it away is asked not to hold from
there on. A branch ends when its literals can't be true together. When all branches have ended nothing is
left, and the rules that were needed for that are the proof.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count

from mailbot.analysis.lint import example_mail
from mailbot.analysis.lint.branches import NO_REASONS, Branch, Reasons, propagate
from mailbot.analysis.lint.budget import Budget, Undecided
from mailbot.analysis.lint.example_mail import PolicyFacts
from mailbot.analysis.lint.formulas import And, Atom, Formula, Or, literals, negation
from mailbot.analysis.lint.ranges import Empty
from mailbot.domain.policy import Rule
from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import Narrow, RoutingFacts, When
from mailbot.domain.routing.field_types import Hits

DEEPEST = 150  # steps on the way to one mail


@dataclass(frozen=True, slots=True)
class Example:
    """A mail that the engine confirmed."""

    mail: RoutingFacts


@dataclass(frozen=True, slots=True)
class Impossible:
    """Proven: there is no such mail. `needed` are the indexes of the rules that the proof needed.
    `loose`: it holds for letters whose small form is one letter (see `strings`)."""

    needed: frozenset[int]
    loose: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """Neither was found."""

    reason: str


Answer = Example | Impossible | Unknown


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule as `routing.matches` takes it, the first that holds wins."""

    name: str
    when: When | None
    go_on: bool = False


@dataclass(frozen=True, slots=True)
class Searcher:
    """Asks about the rules of one policy."""

    rules: Sequence[Rule]
    narrow: Narrow  # their prefilter
    formulas: Sequence[Formula]  # their conditions
    world: PolicyFacts
    budget: Budget
    _asked: list[Asked] = field(default_factory=list)
    _negated: dict[int, Formula] = field(default_factory=dict)
    _atoms: dict[int, frozenset[Atom]] = field(default_factory=dict)

    def find(self, formulas: Formula, without: Sequence[int] = ()) -> Answer:
        """Is there a mail that fulfils `formulas` and none of the rules `without`?"""
        self.budget.question()
        question = _Question(self, tuple(without), frozenset(without), count())
        try:
            found = question.solve(Branch({}, ((formulas, NO_REASONS),)), 0)
        except Undecided as undecided:
            return Unknown(str(undecided))
        if isinstance(found, frozenset):
            return Impossible(frozenset(-1 - each for each in found if each < 0), self.budget.loose)
        return found

    @property
    def asked(self) -> Sequence[Asked]:
        """The rules with a last one that takes everything, so that one of them always wins."""
        if not self._asked:
            self._asked.extend(Asked(rule.name, rule.when) for rule in self.rules)
            self._asked.append(Asked("", None))
        return self._asked

    def negated(self, index: int) -> Formula:
        if index not in self._negated:
            self._negated[index] = negation(self.formulas[index])
        return self._negated[index]

    def atoms(self, index: int) -> frozenset[Atom]:
        if index not in self._atoms:
            self._atoms[index] = frozenset(each.atom for each in literals(self.negated(index)))
        return self._atoms[index]


@dataclass(frozen=True, slots=True)
class _Question:
    by: Searcher
    without: tuple[int, ...]
    escaping: frozenset[int]  # the same
    choices: "count[int]"

    def solve(self, branch: Branch, depth: int) -> Example | Unknown | Reasons:
        """The reasons when nothing can be found on this branch."""
        now = propagate(branch)
        if isinstance(now, frozenset):
            return now
        self.by.budget.spend(50 + 2 * len(now.chosen))
        if depth > DEEPEST:
            return Unknown("the conditions are nested too deeply")
        chosen = now.literals()
        try:
            mail = example_mail.build(chosen, self.by.world, self.by.budget)
        except Empty as empty:
            return now.why(empty.because)
        except Undecided as undecided:
            return self.stuck(now, str(undecided))
        failing = [each for each in now.pending if not each[0].holds(mail)]
        if failing:
            return self.branched(now, min(failing, key=_width), depth)
        wrong = next((each for each in chosen if not each.holds(mail)), None)
        if wrong:
            return self.stuck(now, f"no example could be made of: {wrong}")
        taken_by = self.taken_by(mail)
        if taken_by is None:
            return Example(mail)
        refusal = (self.by.negated(taken_by), frozenset({-1 - taken_by}))
        return self.solve(Branch(now.chosen, (*now.pending, refusal)), depth + 1)

    def taken_by(self, mail: RoutingFacts) -> int | None:
        """The first of the rules that it shall escape and doesn't."""
        if not self.without:
            return None
        self.by.budget.spend(20 + len(self.without) // 2)
        hit = conditions.match_rules(self.by.asked, mail, self.narrowed)[0].rule_index
        return hit if hit in self.escaping else None

    def narrowed(self, mail: RoutingFacts) -> tuple[Iterable[int], Hits | None]:
        possible, found = self.by.narrow(mail)
        return [*(each for each in possible if each in self.escaping), len(self.by.rules)], found

    def branched(
        self, branch: Branch, on: tuple[Formula, Reasons], depth: int
    ) -> Example | Unknown | Reasons:
        formula, why = on
        rest = tuple(each for each in branch.pending if each is not on)
        choice = next(self.choices)
        reasons, undecided = why, None
        for part in formula.parts if isinstance(formula, Or) else ():
            opened = ((part, why | {choice}), *rest)
            answer = self.solve(Branch(branch.chosen, opened), depth + 1)
            if isinstance(answer, Example):
                return answer
            if isinstance(answer, Unknown):
                undecided = undecided or answer
            elif choice not in answer:
                return answer  # this choice had no part in it: any other would end in the same way
            else:
                reasons |= answer - {choice}
        return undecided or reasons

    def stuck(self, branch: Branch, reason: str) -> Unknown | Reasons:
        """No mail can be shown to the engine. The rules that ask one of the same questions must not hold, and
        perhaps that alone can't be."""
        asked = frozenset(branch.chosen)
        more = [
            (self.by.negated(index), frozenset({-1 - index}))
            for index in self.without
            if self.by.atoms(index) & asked
        ]
        now = propagate(Branch(branch.chosen, (*branch.pending, *more)))
        return now if isinstance(now, frozenset) else Unknown(reason)


def _width(of: tuple[Formula, Reasons]) -> int:
    return len(of[0].parts) if isinstance(of[0], And | Or) else 1
