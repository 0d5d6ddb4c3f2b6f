"""What people settled on for a ticket, beside what the rules chose: what counts as a correction of the rules.

- A new category counts whenever it comes; the last one wins.
- A new priority counts until the customer writes again: later it may be about what came since.
- A hand-over counts until the customer writes again or somebody has worked on the matter. Later ones are the next
  step of the work. The steps of a ladder are no corrections.
- Nothing counts after the ticket was reopened, routed again, or joined with another: it may be another matter.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from mailbot.domain import events as e
from mailbot.domain.actor import POLICY

NAMES = ("category", "team", "priority")
_READ = (e.TicketRouted, e.TicketCorrected, e.TicketHandedOver, e.IncidentOpened, e.ActUndone)
_ANOTHER_MATTER = (e.TicketReopened, e.MergeReceived, e.TicketMerged, e.TicketSplit)
# A person's deed for the customer. Notes and an owner's change are none.
_WORK = (
    e.AgentAnswered,
    e.TurnSet,
    e.NewsPromised,
    e.DecisionMade,
    e.TicketClosed,
    *get_args(e.Compensation),
)
_ALL = frozenset((*_READ, *_ANOTHER_MATTER, *_WORK, e.CustomerWrote))
KINDS = tuple(sorted(event.kind for event in _ALL))


@dataclass(frozen=True, slots=True)
class Settled:
    category: str
    team: str
    priority: str


def chosen_of(routed: e.TicketRouted) -> Settled:
    """Return what the rules chose."""
    return Settled(routed.category, routed.team, routed.priority)


def settled_on(events: Iterable[e.Event]) -> Settled | None:
    """Return what the ticket had in the end; None when rules routed no mail here.

    `events`: in their order, without those of acts that were undone; of KINDS at least.
    """
    values: dict[str, str] = {}
    wrote_again = False
    worked_at: datetime | None = None
    for event in events:
        if type(event) not in _ALL:  # most are not, and reports read a million
            continue
        match event:
            case e.TicketRouted(by=by) if not values and by == POLICY:
                values = {name: getattr(event, name) for name in NAMES}
            case e.IncidentOpened():
                return None
            case e.TicketRouted():
                break
            case _ if isinstance(event, _ANOTHER_MATTER):
                break
            case e.CustomerWrote():
                wrote_again = True
            case e.TicketCorrected(by=by) if by.is_staff:
                given = dict(event.values)
                values["category"] = given.get("category", values["category"])
                if not wrote_again:
                    values["priority"] = given.get("priority", values["priority"])
            case e.TicketHandedOver(by=by) if by.is_staff and not wrote_again:
                # The answer in the same mail as a hand-over is recorded before it.
                if worked_at in (None, event.at):
                    values["team"] = event.team
            case _ if isinstance(event, _WORK) and event.by.is_staff:
                worked_at = worked_at or event.at
    return Settled(**values) if values else None
