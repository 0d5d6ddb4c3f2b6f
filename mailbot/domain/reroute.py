"""Route a ticket again: one that was reopened, and one of a chat whose customer says only now what it is about.

- On reopening only rules with the condition `reopened` are tested, and none that is learned. What these do not set
  stays as it was.
- In a chat people greet first: "Halo kak". While nobody has touched the ticket, what they write next is routed, too. It
  counts where no rule knew the first words, or where it is graver.

With a new ladder the time spent stays spent.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from mailbot.domain import events as e
from mailbot.domain import labels, ladder, reasons
from mailbot.domain.actor import POLICY
from mailbot.domain.classify import captured_details, merge_actions, reason_of, routing_event
from mailbot.domain.escalation import ownership
from mailbot.domain.escalation.reapply import clocks_on
from mailbot.domain.lifecycle import DecisionBuilder
from mailbot.domain.model import InboundMail, Status, Ticket
from mailbot.domain.people.identities import MAIL
from mailbot.domain.policy import Actions, Policy, Rule
from mailbot.domain.reasons import NO_REASON, Reason
from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import (
    PRIORITIES,
    AllOf,
    AnyOf,
    Condition,
    RoutingFacts,
    RuleMatch,
    When,
)
from mailbot.domain.routing.routed import route

_NO_CHANGE = Rule("", None, Actions())
FIRST_WORDS = timedelta(minutes=15)  # in which a chat comes to its matter


def reopens(when: When | None) -> bool:
    """Check for `reopened: {is: true}` anywhere but under `none`."""
    match when:
        case Condition(field="reopened", operator="is", value=True):
            return True
        case AllOf(parts) | AnyOf(parts):
            return any(reopens(part) for part in parts)
    return False


def on_reopening(builder: DecisionBuilder, facts: RoutingFacts, policy: Policy, now: datetime) -> Reason:
    """Route the ticket again where a rule wants that, with an owner and clocks.

    Return what the team is to know of it, no reason when nothing changed.
    """
    # A learned one may be wrong, and could lower what people have set.
    asked = (rule for rule in policy.rules if reopens(rule.when) and not conditions.is_learned(rule.when))
    rules = [*asked, _NO_CHANGE]
    matches = conditions.match_rules(rules, facts)
    matches = [match for match in matches if rules[match.rule_index] is not _NO_CHANGE]
    if not matches:
        return NO_REASON
    return apply_routing(builder, _routed(builder.ticket, matches, rules, facts, policy, now), policy, now)


def may_come_to_matter(ticket: Ticket, mail: InboundMail, now: datetime) -> bool:
    """Check for a chat that began just now, and that nobody answered and no ladder moved."""
    return (
        ticket.channel != MAIL
        and mail.channel == ticket.channel
        and now - ticket.opened_at < FIRST_WORDS
        and ticket.status is Status.NEW
        and not (ticket.escalated or ticket.incident or ticket.held_for)
    )


def on_more_words(builder: DecisionBuilder, facts: RoutingFacts, policy: Policy, now: datetime) -> Reason:
    """Route a chat by what its customer writes now, together with the first words, its subject.

    Return what the team is to know of it, no reason when nothing changed.
    """
    ticket = builder.ticket
    routed = route(policy, replace(facts, subject=f"{ticket.subject} {facts.subject}"))
    fallbacks = {rule.name for rule in policy.rules if rule.when is None}
    graver = PRIORITIES.index(routed.found.priority) - PRIORITIES.index(ticket.priority)
    if routed.found.rule in (ticket.rule, *fallbacks) or graver < (ticket.rule not in fallbacks):
        return NO_REASON
    details = tuple(sorted({**dict(ticket.details), **dict(routed.found.details)}.items()))
    found = replace(routed.found, details=details)
    event = routing_event(found, policy, now, ticket.tags, facts.customer_history)
    told = apply_routing(builder, event, policy, now)
    builder.record(e.TicketCorrected(now, POLICY, (("subject", facts.subject),)))
    return told


def apply_routing(builder: DecisionBuilder, routed: e.TicketRouted, policy: Policy, now: datetime) -> Reason:
    """Record the new routing, with an owner and clocks. Return what the team is to know of it."""
    before = builder.ticket
    builder.record(routed)
    after = builder.ticket
    here = {agent.address for agent in ladder.agents_at(policy, after.team, after.level)}
    if (before.team, before.level) != (after.team, after.level) and after.assignee not in here:
        ownership.assign_owner(builder, policy, now, POLICY)
    old, new = ladder.ladder_of(before, policy), ladder.ladder_of(builder.ticket, policy)
    if old != new:
        builder.record(e.ClocksSet(now, POLICY, clocks_on(builder.ticket, old, new, policy, now)))
    return reasons.of("rerouted", rule=labels.as_reason(policy, "rule", after.rule))


def _routed(
    ticket: Ticket,
    matches: Sequence[RuleMatch],
    rules: Sequence[Rule],
    facts: RoutingFacts,
    policy: Policy,
    now: datetime,
) -> e.TicketRouted:
    matched = [rules[match.rule_index] for match in matches]
    then = merge_actions(matched)
    urgency, complexity = then.urgency or ticket.urgency, then.complexity or ticket.complexity
    priority = then.priority or ticket.priority
    if not then.priority and (then.urgency or then.complexity):
        priority = conditions.priority(urgency, complexity)
    name = then.ladder or (ticket.ladder if priority == ticket.priority else policy.ladder_of[priority])
    stays = name == ticket.ladder
    found = conditions.find_details(policy.details, facts) | captured_details(matches)
    details = dict(ticket.details) | found
    kept = ("category", "team", "level", "assign", "skill")
    return e.TicketRouted(
        at=now,
        by=POLICY,
        rule=matched[-1].name,
        reason=reason_of(matches[-1], matched[-1]),
        urgency=urgency,
        complexity=complexity,
        priority=priority,
        tags=tuple(dict.fromkeys((*ticket.tags, *then.tags))),
        ladder=name,
        ladder_digest=ticket.ladder_digest if stays else policy.digests.get(name, ""),
        also=tuple(rule.name for rule in matched[:-1]),
        details=tuple(sorted(details.items())),
        customer_history=facts.customer_history,
        **{name: getattr(then, name) or getattr(ticket, name) for name in kept},
    )
