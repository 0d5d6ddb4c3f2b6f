"""Names of people, teams, levels and rules in place of their addresses and keys."""

from collections.abc import Iterable

from mailbot.cli.shared.output import clean
from mailbot.domain.labels import label
from mailbot.domain.model import Ticket
from mailbot.domain.people.identities import label as identity_label
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Reason
from mailbot.views.wording import replace_addresses, rule_words


class Names:
    """The names that a page uses. `contacts` are (address, name) of customers, the first of an address counts."""

    def __init__(self, policy: Policy, contacts: Iterable[tuple[str, str]] = ()) -> None:
        self._policy = policy
        self._names = {agent.address: agent.name for agent in policy.agents.values()}
        for address, name in contacts:
            if name:
                self._names.setdefault(address, clean(name, 60))

    def of(self, address: str | None) -> str:
        """Return the name of the address, where none is known the address as people read it."""
        return self._names.get(address or "", identity_label(address or ""))

    def first(self, address: str | None) -> str:
        """Return the first name alone."""
        return self.of(address).partition(" ")[0]

    def all_of(self, addresses: Iterable[str]) -> str:
        return ", ".join(map(self.of, addresses))

    def in_text(self, text: str) -> str:
        """Put names in the place of all addresses in a sentence that are known."""
        return replace_addresses(text, self._names)

    def label(self, kind: str, key: str) -> str:
        """Return what a category, priority, team, level, rule or cause is called in English."""
        return clean(label(self._policy, kind, key, "en"), 80)

    def place(self, ticket: Ticket) -> str:
        """Return the ticket's team and level: "Payments L1"."""
        return self.place_of(ticket.team, ticket.level)

    def place_of(self, team: str, level: str) -> str:
        names = self.label("team", team), self.label("level", level)
        return " ".join(dict.fromkeys(filter(None, names)))  # the managers' team may be called as their level

    def rule_reason(self, rule: str, reason: Reason, where: str = "") -> str:
        """Return why a rule decided: `the text has "dibajak" (rule "Stolen account")`, with `where` it stands."""
        return f'{rule_words(reason)} (rule "{self.label("rule", rule)}"{where})'
