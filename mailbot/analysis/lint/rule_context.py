"""What all questions about the rules of one policy share: the rules as formulas, who stands above whom."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from mailbot.analysis.lint.budget import Budget
from mailbot.analysis.lint.example_mail import PolicyFacts
from mailbot.analysis.lint.finding import Spot, Witness
from mailbot.analysis.lint.formulas import And, Formula, FormulaBuilder
from mailbot.analysis.lint.moments import Moments
from mailbot.analysis.lint.search import Answer, Example, Impossible, Searcher
from mailbot.domain.policy import Policy, Rule
from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import RoutingFacts
from mailbot.domain.routing.field_types import Context

EVERYTHING: Formula = And(())
FEW = 6  # rules that are named in one sentence
MANY = 12  # rules that shadow one together: whether all are needed is no longer asked


@dataclass(frozen=True, slots=True)
class RuleContext:
    """`dead` are the indexes of rules that never match, found first: nothing more is said of them. `since`
    is the first day of the year that is looked at, None for any year."""

    policy: Policy
    search: Searcher
    formulas: tuple[Formula, ...]
    reader: FormulaBuilder
    dead: set[int] = field(default_factory=set)
    since: date | None = None

    @property
    def rules(self) -> tuple[Rule, ...]:
        return self.policy.rules

    def final_rules(self, above: int) -> list[int]:
        """The rules above the given one that end the matter when they match; dead ones take nothing."""
        return [i for i in range(above) if not self.rules[i].go_on and i not in self.dead]

    def spot(self, index: int, *path: str | int, item: str = "") -> Spot:
        return Spot("routing", ("rules", index, *path), item)

    def rule_names(self, indexes: Iterable[int]) -> str:
        """ "rule 'refund' (line 12) and rule 'fraud' (line 4)"."""
        named = [f"rule {self.rules[i].name!r} (line {self.rules[i].line})" for i in sorted(indexes)]
        if len(named) > FEW:
            named[FEW:] = [f"{len(named) - FEW} more"]
        return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"

    def needed_rules(self, formula: Formula, needed: Sequence[int], always: Sequence[int] = ()) -> list[int]:
        """Of the rules `needed` to leave nothing of `formulas` those that can't be spared; one of them where
        one is enough. Mails that one of `always` matches are left out in any case."""
        if len(needed) > MANY:
            return list(needed)
        for index in needed if len(needed) > 1 else ():
            if isinstance(self.search.find(formula, sorted({index, *always})), Impossible):
                return [index]
        kept = list(needed)
        for index in needed if len(needed) > 2 else ():
            fewer = [each for each in kept if each != index]
            if isinstance(self.search.find(formula, sorted({*fewer, *always})), Impossible):
                kept = fewer
        return kept

    def taken(self, mail: RoutingFacts) -> list[int]:
        """The rules that match it, as the engine says."""
        return [each.rule_index for each in conditions.match_rules(self.rules, mail, self.policy.prefilter)]

    def witness(self, answer: Answer, shows: str = "") -> Witness | None:
        """The mail of an answer with what becomes of it."""
        if not isinstance(answer, Example):
            return None
        won = conditions.match_rules(self.rules, answer.mail, self.policy.prefilter)[-1]
        because = f", {won.because}" if self.rules[won.rule_index].when else ""
        return Witness(shows or f"rule {self.rules[won.rule_index].name!r} takes it{because}", answer.mail)


def build_context(policy: Policy, budget: Budget, since: date | None = None) -> RuleContext:
    zone = next(iter(policy.calendars.values())).zone
    world = PolicyFacts(tuple(policy.mailboxes), Moments(zone, policy.calendars), policy.lists)
    reader = FormulaBuilder(Context(policy.calendars, policy.lists))
    formulas = tuple(reader.formula(rule.when) if rule.when else EVERYTHING for rule in policy.rules)
    search = Searcher(policy.rules, policy.prefilter, formulas, world, budget)
    return RuleContext(policy, search, formulas, reader, since=since)
