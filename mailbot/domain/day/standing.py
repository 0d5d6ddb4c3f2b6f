"""How live tickets stand at a moment, for whoever watches over all of them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mailbot.domain import ladder
from mailbot.domain.day.worklist import WorkItem
from mailbot.domain.model import Ticket, Turn
from mailbot.domain.policy import Policy


class State(StrEnum):
    """What holds of a live ticket; several may."""

    OPEN = "open"  # of every live ticket
    LATE = "late"  # a promise has passed, and it is not the customer's turn
    SOON = "soon"  # the last quarter of a promise has begun
    UNASSIGNED = "unassigned"
    CUSTOMER = "customer"  # the customer's turn
    THIRD_PARTY = "third_party"  # a third party's


@dataclass(frozen=True, slots=True)
class Standing:
    """A live ticket in short. `at_risk_from`: when the last quarter of its promise begins.

    `asks`: the question of its ladder waits for a decision.
    """

    number: str
    team: str
    level: str
    assignee: str
    turn: Turn
    promised_at: datetime | None
    at_risk_from: datetime | None
    asks: bool

    def states(self, now: datetime) -> frozenset[State]:
        """Return what holds at `now`."""
        found = {State.OPEN}
        if not self.assignee:
            found.add(State.UNASSIGNED)
        if self.turn is Turn.THIRD_PARTY:
            found.add(State.THIRD_PARTY)
        if self.turn is Turn.CUSTOMER:
            found.add(State.CUSTOMER)
        elif self.promised_at and self.promised_at <= now:
            found.add(State.LATE)
        elif self.at_risk_from and self.at_risk_from <= now:
            found.add(State.SOON)
        return frozenset(found)


def standing(ticket: Ticket, policy: Policy) -> Standing:
    """Return how a live ticket stands; it holds until the ticket or the policy changes."""
    item = WorkItem(ticket, ladder.promised_at(ticket, policy), None)
    return Standing(
        number=ticket.number,
        team=ticket.team,
        level=ticket.level,
        assignee=ticket.assignee or "",
        turn=ticket.turn,
        promised_at=item.promised_at,
        at_risk_from=item.at_risk_from,
        asks=ladder.open_question(ticket, policy) is not None,
    )
