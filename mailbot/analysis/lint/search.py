"""Search for a mail that fulfils a formula and matches none of some rules: an example, a proof, or neither.

Theory of operation. The search builds a mail from the literals chosen so far and shows it to the routing
engine. It branches on a formula that the mail does not fulfil. A rule that matches the mail and should not
must be false from there on. A branch ends when its literals contradict each other. When all branches have
ended there is no such mail, and the rules involved are the proof.
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

DEEPEST = 150  # branches within each other


@dataclass(frozen=True, slots=True)
class Example:
    """A mail that the engine confirmed."""

    mail: RoutingFacts


@dataclass(frozen=True, slots=True)
class Impossible:
    """Proven: there is no such mail. `needed` are the indexes of the rules in the proof.

    `letters_omitted`: the proof covers only letters whose lower case is one letter, see `text.solver`.
    """

    needed: frozenset[int]
    letters_omitted: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """Neither an example nor a proof was found."""

    reason: str


Answer = Example | Impossible | Unknown


@dataclass(frozen=True, slots=True)
class _SearchRule:
    """A rule in the form that `conditions.match_rules` takes."""

    name: str
    when: When | None
    go_on: bool = False


@dataclass(frozen=True, slots=True)
class Searcher:
    """Search among the mails that the rules of one policy distinguish."""

    rules: Sequence[Rule]
    narrow: Narrow  # their prefilter
    formulas: Sequence[Formula]  # their conditions
    world: PolicyFacts
    budget: Budget
    _search_rules: list[_SearchRule] = field(default_factory=list)
    _negated: dict[int, Formula] = field(default_factory=dict)
    _atoms: dict[int, frozenset[Atom]] = field(default_factory=dict)

    def find(self, formula: Formula, without: Sequence[int] = ()) -> Answer:
        """Find a mail that fulfils `formula` and matches none of the rules `without`."""
        self.budget.start_question()
        question = _Question(self, tuple(without), frozenset(without), count())
        try:
            result = question.solve(Branch({}, ((formula, NO_REASONS),)), 0)
        except Undecided as undecided:
            return Unknown(str(undecided))
        if isinstance(result, frozenset):
            return Impossible(
                frozenset(-1 - each for each in result if each < 0), self.budget.letters_omitted
            )
        return result

    @property
    def search_rules(self) -> Sequence[_SearchRule]:
        """Return the rules followed by one that matches everything, so that a match always exists."""
        if not self._search_rules:
            self._search_rules.extend(_SearchRule(rule.name, rule.when) for rule in self.rules)
            self._search_rules.append(_SearchRule("", None))
        return self._search_rules

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
    searcher: Searcher
    without: tuple[int, ...]
    excluded: frozenset[int]  # the same as a set
    choices: "count[int]"

    def solve(self, branch: Branch, depth: int) -> Example | Unknown | Reasons:
        """Return a mail, or the reasons why this branch has none."""
        now = propagate(branch)
        if isinstance(now, frozenset):
            return now
        self.searcher.budget.spend(50 + 2 * len(now.chosen))
        if depth > DEEPEST:
            return Unknown("the conditions are nested too deeply")
        chosen = now.literals()
        try:
            mail = example_mail.build(chosen, self.searcher.world, self.searcher.budget)
        except Empty as empty:
            return now.why(empty.because)
        except Undecided as undecided:
            return self.without_example(now, str(undecided))
        failing = [each for each in now.pending if not each[0].holds(mail)]
        if failing:
            return self.branch_on(now, min(failing, key=_width), depth)
        wrong = next((each for each in chosen if not each.holds(mail)), None)
        if wrong:
            return self.without_example(now, f"no example could be made of: {wrong}")
        matching_rule = self.matching_rule(mail)
        if matching_rule is None:
            return Example(mail)
        refusal = (self.searcher.negated(matching_rule), frozenset({-1 - matching_rule}))
        return self.solve(Branch(now.chosen, (*now.pending, refusal)), depth + 1)

    def matching_rule(self, mail: RoutingFacts) -> int | None:
        """Return the first rule of `without` that matches the mail, None when none does."""
        if not self.without:
            return None
        self.searcher.budget.spend(20 + len(self.without) // 2)
        matched = conditions.match_rules(self.searcher.search_rules, mail, self.narrowed)[0].rule_index
        return matched if matched in self.excluded else None

    def narrowed(self, mail: RoutingFacts) -> tuple[Iterable[int], Hits | None]:
        possible, result = self.searcher.narrow(mail)
        return [*(each for each in possible if each in self.excluded), len(self.searcher.rules)], result

    def branch_on(
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
                return answer  # this choice is not among the reasons: any other would end in the same way
            else:
                reasons |= answer - {choice}
        return undecided or reasons

    def without_example(self, branch: Branch, reason: str) -> Unknown | Reasons:
        """Decide a branch for which no mail could be built.

        The rules of `without` that share a question with the branch must be false: that alone may be a
        contradiction.
        """
        questions = frozenset(branch.chosen)
        more = [
            (self.searcher.negated(index), frozenset({-1 - index}))
            for index in self.without
            if self.searcher.atoms(index) & questions
        ]
        now = propagate(Branch(branch.chosen, (*branch.pending, *more)))
        return now if isinstance(now, frozenset) else Unknown(reason)


def _width(of: tuple[Formula, Reasons]) -> int:
    return len(of[0].parts) if isinstance(of[0], And | Or) else 1
