"""Changes of the rules that let a term decide: a word more in a list, or a rule of its own."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from mailbot.analysis.misses.miss import Miss, Wanted
from mailbot.domain.policy import Actions, Policy, Rule
from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import AllOf, AnyOf, Condition, NoneOf, When

_LISTS = ("contains", "mentions")
_TEXTS = ("new_text", "text")
_RULES = 3  # with the wanted values that are tried


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of the rules by one term.

    `rule`: as it would be. `index`: of the rule that it replaces, or above which it would come. `words`: the list
    that the term is added to, None for a new rule.
    """

    term: str
    rule: Rule
    index: int
    words: Condition | None = None

    def apply(self, policy: Policy) -> Policy:
        """Return the policy with the proposal put in place."""
        after = self.index + (1 if self.words else 0)
        rules = (*policy.rules[: self.index], self.rule, *policy.rules[after:])
        return replace(policy, rules=rules, cache={})


def propose(policy: Policy, wanted: Wanted, term: str, misses: Sequence[Miss]) -> Iterator[Proposal]:
    """Propose what might bring the mails of these misses, which have the term, to what is wanted."""
    if wanted.name != "priority":
        yield from islice(_longer_lists(policy, wanted, term, misses), _RULES)
    yield _new_rule(policy, wanted, term, misses)


def _longer_lists(policy: Policy, wanted: Wanted, term: str, misses: Sequence[Miss]) -> Iterator[Proposal]:
    """Add the term to a list of words that alone makes a rule with the wanted value match."""
    categories = {miss.ticket.settled.category for miss in misses}
    for index, rule in enumerate(policy.rules):
        if rule.when is None or rule.then.category not in categories or not _leads_to(rule, wanted):
            continue
        if words := next(filter(_takes_words, _deciding(rule.when)), None):
            longer = conditions.build(words.field, words.operator, [*_values(words), term])
            yield Proposal(term, replace(rule, when=_with(rule.when, words, longer)), index, words)


def _deciding(when: When) -> Iterator[Condition]:
    """List the conditions each of which is enough for the rule, but for what it excludes."""
    match when:
        case Condition():
            yield when
        case AnyOf(parts):
            for part in parts:
                yield from _deciding(part)
        case AllOf(parts):
            needed = [part for part in parts if not isinstance(part, NoneOf)]
            if len(needed) == 1:
                yield from _deciding(needed[0])


def _takes_words(condition: Condition) -> bool:
    return condition.field in _TEXTS and condition.operator in _LISTS


def _values(condition: Condition) -> tuple[object, ...]:
    return condition.value if isinstance(condition.value, tuple) else (condition.value,)


def _with(when: When, old: Condition, new: Condition) -> When:
    if when is old:
        return new
    if isinstance(when, AllOf | AnyOf | NoneOf):
        return replace(when, parts=tuple(_with(part, old, new) for part in when.parts))
    return when


def _new_rule(policy: Policy, wanted: Wanted, term: str, misses: Sequence[Miss]) -> Proposal:
    """Build a rule above the first of those that take the mails today, and above what is learned."""
    names = {str(miss.today.values["rule"]) for miss in misses}
    index = next(
        place
        for place, rule in enumerate(policy.rules)
        if rule.name in names or (conditions.is_learned(rule.when) and not rule.go_on)
    )
    then = _actions(policy, wanted, misses)
    name = _free_name(f"mentions {term}", [rule.name for rule in policy.rules])
    when = conditions.build(_TEXTS[0], "mentions", [term])
    return Proposal(term, Rule(name, when, then, go_on=wanted.name == "priority"), index)


def _actions(policy: Policy, wanted: Wanted, misses: Sequence[Miss]) -> Actions:
    """Set what the rule with the wanted category sets, or what people wanted most often."""
    if wanted.name == "priority":
        return Actions(priority=wanted.value)
    like = next((rule.then for rule in policy.rules if _leads_to(rule, wanted)), None)
    if like is None or wanted.name == "team":
        took = _most(str(miss.today.values["rule"]) for miss in misses)
        like = next(rule.then for rule in policy.rules if rule.name == took)
        if wanted.name == "category":
            like = Actions(category=wanted.value, team=_most(miss.ticket.settled.team for miss in misses))
    teams = [miss.wrong["team"] for miss in misses if "team" in miss.wrong]
    priorities = [miss.wrong["priority"] for miss in misses if "priority" in miss.wrong]
    return replace(
        like,
        team=_most(teams) if teams else like.team,
        priority=_most(priorities) if priorities else like.priority,
    )


def _leads_to(rule: Rule, wanted: Wanted) -> bool:
    return not rule.go_on and getattr(rule.then, wanted.name) == wanted.value


def _most(values: Iterable[str]) -> str:
    return min(Counter(values).items(), key=lambda item: (-item[1], item[0]))[0]


def _free_name(name: str, taken: Collection[str]) -> str:
    return name if name not in taken else _free_name(f"{name} again", taken)
