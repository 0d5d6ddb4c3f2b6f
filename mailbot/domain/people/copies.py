"""To whom an agent's answer goes beside the customer."""

from dataclasses import replace

from mailbot.domain.model import Role
from mailbot.domain.notices import Answer
from mailbot.domain.people.addresses import is_no_reply, owner
from mailbot.domain.people.customer import is_ours
from mailbot.domain.people.participants import MOST_TAKING_PART, Roles
from mailbot.domain.policy import Policy
from mailbot.domain.replies.undeliverable import Suppressions


def with_copies(
    answer: Answer, roles: Roles, policy: Policy, suppressions: Suppressions
) -> tuple[Answer, ...]:
    """Return the answer and a copy for each person who takes part; all name the same people in To and Cc."""
    box = policy.mailbox_for(answer.mailbox)
    people = _people(answer, roles, policy, suppressions) if box and box.copies else ()
    whole = replace(answer, cc=people)
    return whole, *(replace(whole, copy_to=address) for address in people)


def _people(answer: Answer, roles: Roles, policy: Policy, suppressions: Suppressions) -> tuple[str, ...]:
    chosen = {owner(answer.to): ""}
    for address in sorted(address for address, role in roles.items() if role is Role.PARTICIPANT):
        if not (is_ours(address, policy) or is_no_reply(address) or address in suppressions):
            chosen.setdefault(owner(address), address)
    return tuple(filter(None, chosen.values()))[:MOST_TAKING_PART]
