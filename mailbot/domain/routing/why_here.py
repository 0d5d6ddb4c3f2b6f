"""Say to agents why a ticket came to them: the rules that decided, by their labels and in words."""

from dataclasses import replace

from mailbot.domain import labels, reasons
from mailbot.domain.classify import Classification
from mailbot.domain.policy import Policy, Rule
from mailbot.domain.reasons import Reason
from mailbot.domain.routing.conditions import RoutingFacts, RuleMatch
from mailbot.domain.routing.rule_reason import in_words

# What a rule with `go_on` can set that brings a ticket to somebody, or sooner. Not tags and words for customers.
_SERIOUS = ("category", "urgency", "complexity", "team", "level", "priority", "ladder")


def why_here(found: Classification, facts: RoutingFacts, policy: Policy) -> Reason:
    """Return the reason of the rule that decided, and of those with `go_on` that set something with it."""
    matched = [(match, policy.rules[match.rule_index]) for match in found.matches]
    given: set[str] = set()
    serious = []
    for match, rule in matched[:-1]:
        sets = {name for name in _SERIOUS if getattr(rule.then, name)}
        if sets - given:  # the first that sets a thing decides it
            serious.append((match, rule))
        given |= sets
    return reasons.together(
        *(_routed_by(match, rule, facts, policy) for match, rule in (matched[-1], *serious))
    )


def with_words(reason: Reason, because: Reason) -> Reason:
    """Return the reason on record of the rule that decided, with its words from `because` beside the conditions."""
    decided = reasons.parts(because)[0]
    return (
        replace(reason, params={**reason.params, "words": decided.params["reason"]})
        if reason.params
        else reason
    )


def _routed_by(match: RuleMatch, rule: Rule, facts: RoutingFacts, policy: Policy) -> Reason:
    because = in_words(match.parts, facts) if rule.when else reasons.of("no_other_rule")
    return reasons.of("routed_by", reason=because, rule=labels.as_reason(policy, "rule", rule.name))
