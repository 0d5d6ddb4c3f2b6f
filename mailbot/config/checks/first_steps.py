"""Remark on what a new configuration still has to be given: real addresses, and whom to trust about agents."""

from collections.abc import Iterator

from mailbot.config.model import Loaded
from mailbot.errors import Problem

RESERVED = ".example"  # RFC 2606: such a name never exists


def find_remarks(loaded: Loaded) -> Iterator[Problem]:
    """Yield remarks for `mailbot check` alone: a demonstration works without."""
    directory, policy = loaded.settings.directory, loaded.policy
    addresses = {
        "teams.yaml": [*policy.agents],
        "mailbot.yaml": [*policy.mailboxes, *policy.admins],
    }
    for name, given in addresses.items():
        if found := [address for address in given if address.endswith(RESERVED)]:
            message = f"{', '.join(found[:2])}{', ...' if found[2:] else ''}: no mail reaches {RESERVED}"
            yield Problem(str(directory / name), 0, 0, message, "put in your own addresses")
    trust = loaded.settings.trust
    if not (trust.authserv_ids or trust.agent_networks or trust.verify):
        message = "no agent can answer by mail: no host and no network is trusted about them"
        hint = "set trust.authserv_ids or trust.agent_networks: `mailbot docs starters` has an example"
        yield Problem(str(directory / "mailbot.yaml"), 0, 0, message, hint)
