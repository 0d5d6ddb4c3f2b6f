"""Which cause of the policy do people mean when they close a ticket?"""

from collections.abc import Sequence
from difflib import get_close_matches

from mailbot.domain import reasons
from mailbot.domain.labels import labels
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Cause, Policy
from mailbot.domain.reasons import NO_REASON, Reason, Refusal

MOST_NAMED = 3  # causes that a refusal suggests
LONGEST = 60  # characters


def find_cause(text: str, policy: Policy) -> Cause | None:
    """Return the cause with this name or label; case, spaces, "-" and "_" are forgiven.

    Where the policy lists none, any words are a cause.
    """
    if text and not policy.causes:
        return Cause(" ".join(text.casefold().split())[:LONGEST])
    return _by_spelling(policy).get(plain(text)) if text else None


def causes_for(ticket: Ticket, policy: Policy) -> tuple[Cause, ...]:
    """Return the causes that fit the ticket's category, those of that category first."""
    fitting = [each for each in policy.causes.values() if _fits(each.category, ticket.category)]
    return tuple(sorted(fitting, key=lambda each: not each.category))


def _fits(category: str, of_ticket: str) -> bool:
    return not category or of_ticket == category or of_ticket.startswith(f"{category}/")


def remark(ticket: Ticket, policy: Policy) -> Reason:
    """Return a remark for who closed a ticket without a cause, where the policy lists any."""
    if ticket.cause or not policy.causes:
        return NO_REASON
    fitting = ", ".join(each.name for each in causes_for(ticket, policy) if not each.silent)
    return reasons.of("no_cause_named", causes=fitting)


def unknown_cause(text: str, ticket: Ticket, policy: Policy) -> Refusal:
    """Return the refusal that names the nearest causes, else those of the ticket's category."""
    named = nearest_causes(text, policy, causes_for(ticket, policy))
    return reasons.refuse("no_cause", cause=text[:LONGEST], causes=", ".join(named))


def nearest_causes(text: str, policy: Policy, others: Sequence[Cause] = ()) -> list[str]:
    """Return the names nearest to a text; where none is near those of `others`, else all."""
    known = _by_spelling(policy)
    near = get_close_matches(plain(text)[:LONGEST], known, MOST_NAMED)
    return list(dict.fromkeys(known[each].name for each in near)) or [
        each.name for each in others or policy.causes.values()
    ]


def _by_spelling(policy: Policy) -> dict[str, Cause]:
    """Return the causes by their names and labels; a name goes before another's label."""
    found: dict[str, Cause] = {}
    for name, cause in policy.causes.items():
        found |= {plain(text): cause for text in labels(policy, "cause", name).values()}
    return found | {plain(name): cause for name, cause in policy.causes.items()}


def plain(text: str) -> str:
    """Return a cause's name or label without what people write differently."""
    return " ".join(text.casefold().replace("_", " ").replace("-", " ").split())
