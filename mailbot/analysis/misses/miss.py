"""A mail that the rules in force would still place where people did not want it."""

from dataclasses import dataclass

from mailbot.analysis.corrections import SettledTicket
from mailbot.analysis.misses.terms import terms_of
from mailbot.domain.policy import Policy
from mailbot.domain.policy_review.policy_diff import Placement, place_mail
from mailbot.domain.policy_review.settled import NAMES


@dataclass(frozen=True, slots=True, order=True)
class Wanted:
    """What people wanted: the value of a ticket's category, else of its team, else of its priority."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Miss:
    """`today`: what the rules in force decide. `wrong`: name -> the value that people wanted instead."""

    ticket: SettledTicket
    today: Placement
    wrong: dict[str, str]
    terms: frozenset[str]

    @property
    def wanted(self) -> Wanted:
        name = next(name for name in NAMES if name in self.wrong)
        return Wanted(name, self.wrong[name])

    @property
    def expected(self) -> dict[str, str]:
        """Return the wanted category and team. A priority counts where nothing else is wrong."""
        return {name: value for name, value in self.wrong.items() if name != "priority"} or self.wrong

    def is_mended_by(self, placement: Placement) -> bool:
        return all(placement.values[name] == value for name, value in self.expected.items())


def wishes_of(ticket: SettledTicket, policy: Policy) -> dict[str, str]:
    """Return what people corrected, where the policy still has such a category, team or priority."""
    known = {
        "category": policy.categories or (ticket.settled.category,),
        "team": policy.teams,
        "priority": policy.ladder_of,
    }
    return {name: value for name, value in ticket.corrected.items() if value in known[name]}


def find_miss(ticket: SettledTicket, wishes: dict[str, str], policy: Policy) -> Miss | None:
    """Return the miss, None where the rules of today decide as people did."""
    today = place_mail(policy, ticket.case)
    wrong = {name: value for name, value in wishes.items() if today.values[name] != value}
    return Miss(ticket, today, wrong, terms_of(ticket.case.mail)) if wrong else None
