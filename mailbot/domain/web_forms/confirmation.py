"""May an address that was written into a form get the mail that confirms it?"""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256

from mailbot.domain.people.addresses import owner
from mailbot.domain.policy import Policy, Rate

WAITS = timedelta(days=3)  # so long a message waits for its sender
PER_ADDRESS = Rate(3, timedelta(days=1))  # mails: anybody can write a stranger's address into a form


def confirmation_rates(address: str, policy: Policy) -> Iterator[tuple[str, Rate]]:
    """Yield the key and the rate of each limit: of the address, of its domain, of all such mails together.

    The limits of automatic answers hold here too, in buckets of their own: forms must not use up what mails need.
    """
    yield f"form-address {sha256(owner(address).encode()).hexdigest()}", PER_ADDRESS
    domain = address.rpartition("@")[2].lower()
    if domain not in policy.shared_domains:
        for rate in policy.answers.per_domain:
            yield f"form-domain {domain} {rate.count} per {rate.period}", rate
    for rate in policy.answers.overall:
        yield f"form-overall {rate.count} per {rate.period}", rate


def is_ours(address: str, policy: Policy) -> bool:
    """Check for our own mailboxes and agents: their mail goes round, and a form must not act in their name."""
    return policy.mailbox_for(address) is not None or address.lower() in policy.agents
