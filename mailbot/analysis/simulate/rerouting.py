"""How another policy routes a ticket that was routed once: by its rules, or as recorded with its ladders."""

from dataclasses import replace

from mailbot.domain import classify
from mailbot.domain.classify import Classification
from mailbot.domain.events import TicketRouted
from mailbot.domain.model import CustomerHistory
from mailbot.domain.notify import OUR_TAGS
from mailbot.domain.policy import Policy, Rule


def as_recorded(routed: TicketRouted, old: Policy | None, new: Policy) -> TicketRouted:
    """Team, level and priority as they were; the ladder that `new` has for them. `old` routed it."""
    named = routed.ladder
    if old is not None and named == old.ladder_of.get(routed.priority):
        named = ""  # the priority's, no rule's own
    name = named if named in new.ladders else new.ladder_of.get(routed.priority, "")
    if name not in new.ladders:
        name = next(iter(new.ladders))
    return replace(routed, ladder=name, ladder_digest=new.digests[name])


def by_rules(
    found: Classification, routed: TicketRouted, new: Policy, known: CustomerHistory
) -> TicketRouted:
    """As `new` has classified the mail, at the moment and with the marks of the recorded routing."""
    tags = (tag for tag in routed.tags if tag in OUR_TAGS)
    return classify.routing_event(found, new, routed.at, tags, known)


def routes_alike(old: Policy, new: Policy) -> bool:
    """Do both say the same of every mail but for the content of the ladders, without asking them?"""
    return _asked(old) == _asked(new) and (_hours(old) == _hours(new) or "hour" not in new.asked_fields)


def _asked(policy: Policy) -> tuple[object, ...]:
    rules: list[Rule] = [replace(rule, line=0) for rule in policy.rules]
    boxes = sorted(policy.mailboxes)
    return rules, boxes, policy.levels[:1], policy.ladder_of, policy.details, policy.lists


def _hours(policy: Policy) -> tuple[object, ...]:
    return next(iter(policy.calendars)), policy.calendars
