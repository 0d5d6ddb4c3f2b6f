"""One act of an agent: what one mail or command did to a ticket, and until when it can be taken back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args

from mailbot.domain import events as e
from mailbot.domain import ladder
from mailbot.domain.actor import ActorKind
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import ActState, OutboxState, Ticket
from mailbot.domain.notices import Acknowledgement, AnswerHeld, Notice, ToCustomer
from mailbot.domain.policy import Policy
from mailbot.domain.worktime import local

# What has a way back of its own (a ticket is unmerged, a message moved back), and what many tickets share.
_APART = (
    *(e.TicketOpened, e.ActUndone, e.TicketRebuilt),
    *get_args(e.Merging),
    *get_args(e.Moving),
)
_NOTHING_DONE = (e.NoteAdded, e.AgentMailHeld, e.PeopleNotified)  # never taken back

COLLEAGUE_ANSWERED = "colleague_answered"
# Reasons of a held mail that its author may send after all: see `holds`.
SENDABLE = frozenset({COLLEAGUE_ANSWERED, "ticket_lost", "ticket_lost_to_team"})
HELD_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class AgentAct:
    """An act in the store. `until`: how long it can be taken back, or a held answer be sent after all.

    - `id`: also that of its mails in the outbox, and of its message.
    - `first`, `last`: the places of its events on the ticket, from 1.
    - `before`, `after`: the ticket before and after it.
    """

    id: str
    ticket: str
    agent: str  # address
    at: datetime
    until: datetime
    state: ActState
    first: int
    last: int
    before: Ticket
    after: Ticket


@dataclass(frozen=True, slots=True)
class ActMail:
    """A mail of an act to a customer or participant. `left_at`: when it left, or may have left."""

    recipient: str
    state: OutboxState
    left_at: datetime | None = None


def act_of(id_: str, before: Ticket | None, decision: Decision, policy: Policy) -> AgentAct | None:
    """Return what to keep of a decision, None where it can't be taken back."""
    held, until = held_until(decision), leaves_at(decision, policy)
    if before is None or not (held or until):
        return None
    ticket, first = decision.ticket, decision.events[0]
    places = ticket.events - len(decision.events) + 1, ticket.events
    state = ActState.HELD if held else ActState.DONE
    ends_at = held or until
    assert ends_at
    return AgentAct(id_, ticket.number, first.by.name, first.at, ends_at, state, *places, before, ticket)


def held_until(decision: Decision) -> datetime | None:
    """Return until when a held mail can be sent after all, None where the decision holds none of that kind."""
    if not any(isinstance(notice, AnswerHeld) for notice in decision.notices):
        return None  # refused for the same reason, and nothing of it is to be sent: a one-tap link
    held = (event for event in decision.events if isinstance(event, e.AgentMailHeld))
    return next((event.at + HELD_FOR for event in held if event.reason.code in SENDABLE), None)


def leaves_at(decision: Decision, policy: Policy) -> datetime | None:
    """Return when the mails of an agent's act to customers leave; None: at once."""
    events = decision.events
    if not events or events[0].by.kind is not ActorKind.AGENT:
        return None
    if any(isinstance(event, _APART) or _with_incident(event) for event in events):
        return None
    if all(isinstance(event, _NOTHING_DONE) for event in events):
        return None
    box = policy.mailbox_for(decision.ticket.mailbox)
    return events[0].at + box.undo if box and box.undo else None


def _with_incident(event: e.Event) -> bool:
    """Check for a complaint that was answered with its incident: thousands of mails do not wait for an undo."""
    return isinstance(event, e.TicketClosed) and event.reason.code == "incident_resolved"


def undo_until(decision: Decision, policy: Policy) -> datetime | None:
    """Return until when an agent can take it back, None where there is nothing that goes back."""
    stays = (*_NOTHING_DONE, *get_args(e.Compensation))
    if all(isinstance(event, stays) for event in decision.events):
        return None
    return leaves_at(decision, policy)


def waits(notice: Notice) -> bool:
    """Check whether a mail of an act waits: what colleagues get leaves at once."""
    return isinstance(notice, ToCustomer) and not isinstance(notice, Acknowledgement)


def clock_time(at: datetime, ticket: Ticket, policy: Policy, now: datetime) -> str:
    """Return a moment in the zone of the ticket's team, with its date where it is not today."""
    calendar = ladder.calendar_of(ticket, policy)
    then, today = local(calendar, at), local(calendar, now)
    return f"{then:%H.%M}" if then.date() == today.date() else f"{then:%d/%m %H.%M}"


def undone_places(events: Iterable[e.Event]) -> set[int]:
    """Return the places, on their ticket, of the events that were taken back."""
    undone = (event for event in events if isinstance(event, e.ActUndone))
    return {place for event in undone for place in range(event.first, event.last + 1)}


def without_undone(events: Sequence[e.Event], places: Sequence[int] = ()) -> Sequence[e.Event]:
    """Leave out what was taken back. `places`: of the events on their ticket; without them these are all events."""
    undone = undone_places(events)
    if not undone:
        return events
    placed = zip(places or range(1, len(events) + 1), events, strict=True)
    return [event for place, event in placed if place not in undone]
