"""Names of people, teams, levels and rules in place of their addresses and keys."""

import re
from collections.abc import Iterable

from mailbot.cli.shared.output import clean
from mailbot.domain.labels import label
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Reason
from mailbot.domain.routing.pattern_text import shorten_patterns

_ADDRESS = re.compile(r"(?:\bagent )?([\w.+-]+@[\w.-]*\w)")


class Names:
    """The names that a page uses. `contacts` are (address, name) of customers, the first of an address counts."""

    def __init__(self, policy: Policy, contacts: Iterable[tuple[str, str]] = ()) -> None:
        self._policy = policy
        self._names = {agent.address: agent.name for agent in policy.agents.values()}
        for address, name in contacts:
            if name:
                self._names.setdefault(address, clean(name, 60))

    def of(self, address: str | None) -> str:
        """Return the name of the address, the address itself where none is known."""
        return self._names.get(address or "", address or "")

    def first(self, address: str | None) -> str:
        """Return the first name alone."""
        return self.of(address).partition(" ")[0]

    def all_of(self, addresses: Iterable[str]) -> str:
        return ", ".join(map(self.of, addresses))

    def in_text(self, text: str) -> str:
        """Put names in the place of all addresses in a sentence that are known."""
        return _ADDRESS.sub(lambda found: self._names.get(found[1], found[0]), text)

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
        return f'{in_words(reason)} (rule "{self.label("rule", rule)}"{where})'


def in_words(reason: Reason) -> str:
    """Return why a rule matched in words. Without them on record it is the condition, but no long pattern."""
    words = reason.params.get("words")
    if isinstance(words, Reason):
        return str(words)
    return "its text fits the rule" if shorten_patterns(str(reason)) != str(reason) else str(reason)
