"""The rules of one policy as formulas, with the search over them: shared by all checks of rules."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

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

Mails = Callable[[], Sequence[RoutingFacts]]
EVERYTHING: Formula = And(())
NAMED = 6  # rules in one sentence
MOST = 12  # rules whose need is tested one by one


@dataclass(frozen=True)
class RuleContext:
    """`dead` are the indexes of rules that never match; `dead_rules` fills it. `graver` are pairs (upper,
    lower) that `graver_below` has reported. `since` is the first day of the year that is examined, None for
    any year. `test_mails` returns the mails of the tests beside the rules."""

    policy: Policy
    search: Searcher
    formulas: tuple[Formula, ...]
    builder: FormulaBuilder
    dead: set[int] = field(default_factory=set)
    since: date | None = None
    test_mails: Mails = tuple
    graver: set[tuple[int, int]] = field(default_factory=set)

    @property
    def rules(self) -> tuple[Rule, ...]:
        return self.policy.rules

    @cached_property
    def tested(self) -> Sequence[RoutingFacts]:
        """Return the mails of the tests, read on first use."""
        return self.test_mails()

    def final_rules(self, above: int) -> list[int]:
        """List the rules above `above` that end the routing when they match. Dead rules are left out."""
        return [i for i in range(above) if not self.rules[i].go_on and i not in self.dead]

    def spot(self, index: int, *path: str | int, item: str = "") -> Spot:
        return Spot("routing", ("rules", index, *path), item)

    def rule_names(self, indexes: Iterable[int]) -> str:
        """Name rules in a sentence: "rule 'refund' (line 12) and rule 'fraud' (line 4)"."""
        named = [f"rule {self.rules[i].name!r} (line {self.rules[i].line})" for i in sorted(indexes)]
        if len(named) > NAMED:
            named[NAMED:] = [f"{len(named) - NAMED} more"]
        return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"

    def needed_rules(self, formula: Formula, needed: Sequence[int], without: Sequence[int] = ()) -> list[int]:
        """Reduce `needed` to rules that suffice to take all mail of `formula`; to one rule where one
        suffices.

        Mail that a rule of `without` matches is left out in any case.
        """
        if len(needed) > MOST:
            return list(needed)
        for index in needed if len(needed) > 1 else ():
            if isinstance(self.search.find(formula, sorted({index, *without})), Impossible):
                return [index]
        kept = list(needed)
        for index in needed if len(needed) > 2 else ():
            fewer = [each for each in kept if each != index]
            if isinstance(self.search.find(formula, sorted({*fewer, *without})), Impossible):
                kept = fewer
        return kept

    def witness(self, answer: Answer, shows: str = "") -> Witness | None:
        """Return the mail of an answer with its outcome; None without a mail."""
        if not isinstance(answer, Example):
            return None
        winner = conditions.match_rules(self.rules, answer.mail, self.policy.prefilter)[-1]
        because = f", {winner.because}" if self.rules[winner.rule_index].when else ""
        return Witness(
            shows or f"rule {self.rules[winner.rule_index].name!r} matches it first{because}", answer.mail
        )


def build_context(
    policy: Policy,
    budget: Budget,
    since: date | None = None,
    test_mails: Mails = tuple,
    largest: int | None = None,
) -> RuleContext:
    zone = policy.zone_of()
    moments = Moments(zone, policy.calendars)
    world = PolicyFacts(tuple(policy.mailboxes), moments, policy.lists, largest, policy.learned)
    builder = FormulaBuilder(Context(policy.calendars, policy.lists))
    formulas = tuple(builder.build(rule.when) if rule.when else EVERYTHING for rule in policy.rules)
    search = Searcher(policy.rules, policy.prefilter, formulas, world, budget)
    return RuleContext(policy, search, formulas, builder, since=since, test_mails=test_mails)
