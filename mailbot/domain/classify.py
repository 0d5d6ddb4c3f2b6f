"""Classify a mail by the rules: which of them match, what they set together, which details the mail has."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from itertools import chain
from types import MappingProxyType
from typing import Any

from mailbot.domain import reasons
from mailbot.domain.actor import POLICY
from mailbot.domain.events import TicketRouted
from mailbot.domain.model import CustomerHistory
from mailbot.domain.policy import Actions, Policy, Rule
from mailbot.domain.reasons import Reason
from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import RoutingFacts, RuleMatch


@dataclass(frozen=True, slots=True)
class Classification:
    """What the matching rules set together. The last of `matches` won; `also` are the names of the others.

    `details` are those found in the mail. `assign` is "" where the rules leave it to the team.
    """

    matches: tuple[RuleMatch, ...]
    rule: str
    reason: Reason
    also: tuple[str, ...]
    category: str
    urgency: str
    complexity: str
    priority: str
    tags: tuple[str, ...]
    team: str
    level: str
    ladder: str
    assign: str
    skill: str
    template: str
    ask_for: tuple[str, ...]
    details: tuple[tuple[str, str], ...]


def classify(policy: Policy, facts: RoutingFacts) -> Classification:
    """Decide what the rules set for one mail. The same policy and facts always give the same result."""
    candidates, hits = policy.prefilter(facts)
    matches = conditions.match_narrowed(policy.rules, facts, (candidates, hits))
    rules = [policy.rules[match.rule_index] for match in matches]
    details = conditions.find_details(policy.details, facts, hits) | captured_details(matches)
    reason = reason_of(matches[-1], rules[-1])
    details |= {name: value for name, value in facts.given.details.items() if name in policy.details}
    found = combine_rules(policy, rules, rules[-1].name, reason, tuple(matches), details)
    return (
        replace(found, tags=tuple(dict.fromkeys((*found.tags, *facts.given.tags))))
        if facts.given.tags
        else found
    )


def reason_of(match: RuleMatch, rule: Rule) -> Reason:
    """Return why the rule decided, for the record."""
    if rule.when is None:
        return reasons.of("no_other_rule")
    return reasons.of("condition", condition=match.because)


def combine_rules(
    policy: Policy,
    rules: Sequence[Rule],
    rule: str,
    reason: Reason,
    matches: tuple[RuleMatch, ...] = (),
    details: Mapping[str, str] = MappingProxyType({}),
) -> Classification:
    """Combine what these rules set, with the defaults for the rest. `rule` is the one that won."""
    then = merge_actions(rules)
    urgency, complexity = then.urgency or "normal", then.complexity or "medium"
    priority = then.priority or conditions.priority(urgency, complexity)
    return Classification(
        matches=matches,
        rule=rule,
        reason=reason,
        also=tuple(policy.rules[match.rule_index].name for match in matches[:-1]),
        category=then.category or "general",
        urgency=urgency,
        complexity=complexity,
        priority=priority,
        level=then.level or policy.levels[0],
        ladder=then.ladder or policy.ladder_of[priority],
        **{name: getattr(then, name) for name in ("tags", "team", "assign", "skill", "template")},
        ask_for=tuple(name for name in then.ask_for if name not in details),
        details=tuple(sorted(details.items())),
    )


def routing_event(
    found: Classification, policy: Policy, at: datetime, tags: Iterable[str], known: CustomerHistory | None
) -> TicketRouted:
    """Build the event to record. `tags` are added; `known` is the history that the rules saw, if any."""
    copied = {name: getattr(found, name) for name in _RECORDED}
    all_tags = tuple(dict.fromkeys((*found.tags, *tags)))
    digest = policy.digests[found.ladder]
    values = {**copied, "tags": all_tags, "ladder_digest": digest, "customer_history": known}
    return TicketRouted(at, POLICY, **values)


def merge_actions(rules: Sequence[Rule]) -> Actions:
    """Merge what the matching rules set: the first that sets a thing decides it, lists are joined."""
    merged: dict[str, Any] = {}
    for name, is_list in _ACTIONS:
        values = [value for rule in rules if (value := getattr(rule.then, name))]
        if is_list:
            merged[name] = tuple(dict.fromkeys(chain.from_iterable(values)))
        elif values:
            merged[name] = values[0]
    return Actions(**merged)


_ACTIONS = tuple((each.name, isinstance(each.default, tuple)) for each in fields(Actions))
_RECORDED = tuple(each.name for each in fields(Classification) if each.name != "matches")


def captured_details(matches: Sequence[RuleMatch]) -> dict[str, str]:
    """Return what the named groups of the rules' patterns matched, the first value of each name."""
    return {name: value for match in reversed(matches) for name, value in reversed(match.captures)}
