"""To whom an agent's answer goes beside the customer: by mail alone. Nobody gets a copy in a chat."""

from dataclasses import replace

from mailbot.domain.model import Role
from mailbot.domain.notices import Answer
from mailbot.domain.people.addresses import is_no_reply, owner
from mailbot.domain.people.customer import is_ours
from mailbot.domain.people.identities import is_identity
from mailbot.domain.people.participants import MOST_TAKING_PART, Roles
from mailbot.domain.policy import Policy
from mailbot.domain.replies.undeliverable import Suppressions


def with_copies(
    answer: Answer, roles: Roles, policy: Policy, suppressions: Suppressions
) -> tuple[Answer, ...]:
    """Return the answer and a copy for each person who takes part.

    By mail all name the same people in To and Cc. Beside an answer in a chat each copy names its reader alone.
    """
    box = policy.mailbox_for(answer.mailbox)
    people = _people(answer, roles, policy, suppressions) if box and box.copies else ()
    if is_identity(answer.to):  # no mail names who is in a chat
        return answer, *(replace(answer, to=address) for address in people)
    whole = replace(answer, cc=people)
    return whole, *(replace(whole, copy_to=address) for address in people)


def _people(answer: Answer, roles: Roles, policy: Policy, suppressions: Suppressions) -> tuple[str, ...]:
    chosen = {owner(answer.to): ""}
    for address in sorted(address for address, role in roles.items() if role is Role.PARTICIPANT):
        if is_identity(address):
            continue
        if not (is_ours(address, policy) or is_no_reply(address) or address in suppressions):
            chosen.setdefault(owner(address), address)
    return tuple(filter(None, chosen.values()))[:MOST_TAKING_PART]
