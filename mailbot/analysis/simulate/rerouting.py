"""How another policy routes a ticket: by its rules, or as recorded with its ladders."""

from dataclasses import replace

from mailbot.domain import classify
from mailbot.domain.classify import Classification
from mailbot.domain.events import TicketRouted
from mailbot.domain.model import CustomerHistory
from mailbot.domain.notify import OUR_TAGS
from mailbot.domain.policy import Policy, Rule


def as_recorded(routed: TicketRouted, old: Policy | None, new: Policy) -> TicketRouted:
    """Keep team, level and priority, and take the ladder that `new` has for them. `old` routed the ticket."""
    ladder = routed.ladder
    if old is not None and ladder == old.ladder_of.get(routed.priority):
        ladder = ""  # it came from the priority, not from a rule
    name = ladder if ladder in new.ladders else new.ladder_of.get(routed.priority, "")
    if name not in new.ladders:
        name = next(iter(new.ladders))
    return replace(routed, ladder=name, ladder_digest=new.digests[name])


def by_rules(
    classified: Classification, routed: TicketRouted, new: Policy, history: CustomerHistory
) -> TicketRouted:
    """Return the routing by `new`, with time and marks of the recorded routing."""
    tags = (tag for tag in routed.tags if tag in OUR_TAGS)
    return classify.routing_event(classified, new, routed.at, tags, history)


def routes_alike(old: Policy, new: Policy) -> bool:
    """Check, without routing, that both policies route every mail the same except for the content of
    ladders."""
    return _routing_settings(old) == _routing_settings(new) and (
        _work_hours(old) == _work_hours(new) or "hour" not in new.asked_fields
    )


def _routing_settings(policy: Policy) -> tuple[object, ...]:
    rules: list[Rule] = [replace(rule, line=0) for rule in policy.rules]
    boxes = sorted(policy.mailboxes)
    return rules, boxes, policy.levels[:1], policy.ladder_of, policy.details, policy.lists


def _work_hours(policy: Policy) -> tuple[object, ...]:
    return next(iter(policy.calendars)), policy.calendars
