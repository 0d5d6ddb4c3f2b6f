"""What the rules set for a mail, and why, kept apart from the ticket that it may open.

Theory of operation. Rules cost most of a decision, and ask the store for little. So a process that stores nothing may
route a mail before it is decided, as if nothing were known of its customer. The decision collects the facts again. It
takes what was routed early only if its policy is the same and every fact that the rules look at is.
"""

from dataclasses import dataclass, fields, replace
from datetime import datetime

from mailbot.domain.classify import Classification, classify
from mailbot.domain.incidents.words import significant_words
from mailbot.domain.model import NO_HISTORY, CustomerHistory, Envelope, InboundMail
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Reason
from mailbot.domain.routing.conditions import HEADER, RoutingFacts
from mailbot.domain.routing.routing_facts import circumstances, mailbox_of, routing_facts
from mailbot.domain.routing.why_here import why_here, with_words

_HISTORY = tuple(each.name for each in fields(CustomerHistory))


@dataclass(frozen=True, slots=True)
class Routed:
    """The result of the rules of one policy, without references to these, so that it can leave the process.

    `asked`: the facts that decided it. `because`: why the ticket comes to its team, in words. `words`: by which
    similar complaints are found; None when they were not looked for.
    """

    asked: tuple[object, ...]
    found: Classification
    because: Reason
    words: frozenset[str] | None = None


def route(policy: Policy, facts: RoutingFacts, early: object = None) -> Routed:
    """Ask the rules, unless `early`, a Routed of this mail, answers already."""
    asked = _asked(policy, facts)
    if isinstance(early, Routed) and early.asked == asked:
        return early
    found = classify(policy, facts)
    because = why_here(found, facts, policy)
    reason = with_words(found.reason, because)
    return Routed(asked, replace(found, matches=(), reason=reason), because)


def route_early(mail: InboundMail, envelope: Envelope, policy: Policy, now: datetime) -> Routed:
    """Route a mail as a new matter of a customer of whom nothing is known."""
    known, box = circumstances(mail, NO_HISTORY), mailbox_of(envelope, policy)
    routed = route(policy, routing_facts(mail, envelope.sender, box.address, policy, now, known))
    return replace(routed, words=significant_words(mail.subject, mail.visible or mail.text))


def _asked(policy: Policy, facts: RoutingFacts) -> tuple[object, ...]:
    """Return all that the rules look at, with the policy's version. Hours begin and end at full minutes."""
    names = policy.asked_fields
    headers = sorted(each.removeprefix(HEADER).lower() for each in names if each.startswith(HEADER))
    return (
        policy.version,
        facts.subject,
        facts.text,
        facts.new_body,
        facts.footer,
        facts.sender,
        facts.sender_name,
        facts.mailbox,
        facts.language,
        facts.attachment_names,
        facts.attachment_types,
        facts.size,
        facts.local_time.replace(second=0, microsecond=0) if "hour" in names else None,
        *(getattr(facts.customer_history, name) for name in _HISTORY if name in names),
        *(facts.headers.get(name) for name in headers),
    )
