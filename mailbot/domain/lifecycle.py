"""How events change a ticket: one table, one fold.

Theory of operation. A decision is a list of events and a list of notices. The ticket's row is the fold of
`evolve` over the events, so the row and the log can't disagree. TRANSITIONS lists for each event the states
in which it may happen and the state that follows (None: unchanged). An event that may not happen raises
before anything is written. `_changes` has what else an event changes.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, get_args

from mailbot.domain import events as e
from mailbot.domain import ladder, ticket_clocks
from mailbot.domain.actor import POLICY
from mailbot.domain.assignment import NO_LOADS, Loads
from mailbot.domain.events import Event
from mailbot.domain.model import Clock, NoticeKind, Status, Ticket, Turn
from mailbot.domain.notices import Notice, ToCustomer
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import NO_REASON

Row = dict[Status, Status | None]

NEW, OPEN, WAITING, CLOSED, MERGED, FILED = Status
LIVE: Row = {NEW: None, OPEN: None, WAITING: None}
UNMERGED: Row = {**LIVE, CLOSED: None, FILED: None}
ANY: Row = {**UNMERGED, MERGED: None}

TRANSITIONS: dict[type[Any], Row] = {
    e.TicketRouted: ANY,
    e.TicketAssigned: ANY,
    e.TicketHandedOver: LIVE,
    e.TicketEscalated: LIVE,
    # A closed ticket is reopened first: TicketReopened comes before CustomerWrote.
    e.CustomerWrote: {NEW: None, OPEN: None, WAITING: OPEN},
    e.AutomaticMailReceived: ANY,
    e.DeliveryBounced: ANY,
    e.DeliveryFailed: ANY,
    e.ThanksReceived: ANY,
    e.CopyReceived: ANY,
    e.DetailsReceived: LIVE,
    e.AgentAnswered: UNMERGED,  # see `status_by_turn`
    e.AgentMailHeld: ANY,
    e.NoteAdded: ANY,
    e.AcknowledgementEnqueued: {NEW: None},
    e.AcknowledgementSuppressed: {NEW: None},
    e.ProgressSuppressed: ANY,
    e.ClosingWordSuppressed: {CLOSED: None},
    e.ClocksSet: ANY,
    e.StepTaken: LIVE,
    e.TargetMissed: LIVE,
    e.ReminderDue: LIVE,
    e.DecisionRequested: LIVE,
    e.DecisionMade: LIVE,
    e.LadderChanged: LIVE,
    e.PeopleNotified: ANY,
    e.TicketClosed: {NEW: CLOSED, OPEN: CLOSED, WAITING: CLOSED},
    e.TicketReopened: {CLOSED: OPEN},
    e.SurveyEnqueued: {CLOSED: None},
    e.SatisfactionRated: UNMERGED,
    e.TurnSet: LIVE,
    e.NewsPromised: LIVE,
    e.TicketSnoozed: LIVE,
    e.StatusAsked: ANY,
    e.ActUndone: UNMERGED,
    e.TicketCorrected: UNMERGED,
    e.TagsChanged: UNMERGED,
    e.LegalHoldPlaced: ANY,
    e.LegalHoldReleased: ANY,
    e.IncidentOpened: LIVE,
    e.IncidentJoined: UNMERGED,
    e.IncidentResolved: UNMERGED,
    e.TicketFiled: {NEW: FILED},
    # A filed ticket begins its life; a held one goes on with its own.
    e.TicketReleased: {**UNMERGED, FILED: NEW},
    e.MessageMoved: UNMERGED,
    e.TicketMerged: dict.fromkeys(UNMERGED, MERGED),
    e.MergeReceived: UNMERGED,
    # TicketRebuilt sets the state that it has again.
    e.TicketUnmerged: {MERGED: OPEN},
    e.MergeReverted: UNMERGED,
    e.TicketSplit: UNMERGED,
    e.TicketRebuilt: ANY,
    e.ParticipantsAdded: ANY,
    e.ParticipantsRemoved: ANY,
    e.LinksRevoked: ANY,
    e.CustomerChanged: UNMERGED,
    **dict.fromkeys(get_args(e.Identities), ANY),
    **dict.fromkeys(get_args(e.Compensation), UNMERGED),
}


@dataclass(frozen=True, slots=True)
class Decision:
    """The result of one stimulus: `ticket` after all `events`, and the mails to send."""

    ticket: Ticket
    events: tuple[Event, ...] = ()
    notices: tuple[Notice, ...] = ()


class IllegalTransition(Exception):
    """An event came in a state in which it can't happen. That is a bug, so nothing is recorded."""


def opened(number: str, event: e.TicketOpened) -> Ticket:
    """Return the ticket that a TicketOpened makes."""
    return Ticket(
        number,
        event.mailbox,
        event.customer,
        event.subject,
        event.language,
        opened_at=event.since or event.at,
        last_message_id=event.message_id,
        held_for=event.held_for or None,
        events=1,
        reply_to=event.reply_to,
        proven=event.proven,
        channel=event.channel,
    )


def evolve(ticket: Ticket, event: Event) -> Ticket:
    """Return the ticket after the event. Raises IllegalTransition."""
    row = TRANSITIONS.get(type(event))
    if row is None or ticket.status not in row:
        raise IllegalTransition(f"{event.kind} while {ticket.number} is {ticket.status}")
    status = row[ticket.status] or ticket.status
    # As `dataclasses.replace` does it, at a fifth of its cost: each event of each decision passes here.
    changed = {"status": status, "events": ticket.events + 1, **_changes(ticket, event)}
    assert changed.keys() <= _NAMES
    after = object.__new__(Ticket)
    after.__dict__.update(ticket.__dict__, **changed)
    return after


_NAMES = frozenset(each.name for each in fields(Ticket))
# Events whose fields replace those of the ticket that have the same name.
_COPIED: dict[type[Any], tuple[str, ...]] = {
    kind: tuple(each.name for each in fields(kind) if each.name in _NAMES)
    for kind in (e.TicketRouted, e.ClocksSet, e.LadderChanged, e.TicketRebuilt)
}


def _changes(ticket: Ticket, event: Event) -> dict[str, Any]:
    match event:
        case e.TicketRouted() | e.ClocksSet() | e.LadderChanged():
            return {name: getattr(event, name) for name in _COPIED[type(event)]}
        case e.TicketRebuilt():
            copied = {name: getattr(event, name) for name in _COPIED[type(event)]}
            by_status = Turn.CUSTOMER if event.status is WAITING else Turn.OURS
            is_unanswered = event.status in (NEW, OPEN) if event.unanswered is None else event.unanswered
            return {**copied, "turn": event.turn or by_status, "unanswered": is_unanswered}
        case e.DetailsReceived(details=details):
            return {"details": tuple(sorted({**dict(details), **dict(ticket.details)}.items()))}
        case e.TicketAssigned(at=at, assignee=assignee):
            snoozed = (
                ticket.snoozed_until if assignee == ticket.assignee else None
            )  # by one agent, for themselves
            return {"assignee": assignee, "assigned_at": at, "snoozed_until": snoozed}
        case e.TicketHandedOver(team=team):
            return {"team": team, "assignee": None}
        case e.TicketEscalated(level=level):
            return {"level": level, "assignee": None, "escalated": ticket.escalated + 1}
        case e.CustomerWrote(message_id=message_id, language=language):
            return {
                "last_message_id": message_id,
                "language": language or ticket.language,
                "unanswered": True,
                "snoozed_until": None,
                **_TURN_OURS,
            }
        case e.AgentAnswered(at=at, agent=agent, turn=turn, reason=reason):
            return {
                "first_response_at": ticket.first_response_at or at,
                "clocks": ticket_clocks.after_answer(ticket.clocks),
                "unanswered": False,
                "answered_at": at,
                "answered_by": agent,
                "informed_until": None,
                "status": status_by_turn(ticket, turn, answered=True),
                "turn": turn,
                "turn_until": None,
                "turn_why": reason,
            }
        case e.TurnSet(turn=turn, until=until, reason=reason):
            status = status_by_turn(ticket, turn, answered=not ticket.unanswered)
            changes = {"turn": turn, "turn_until": until, "turn_why": reason, "status": status}
            return {**changes, "informed_until": None} if turn is Turn.CUSTOMER else changes
        case e.NewsPromised(at=at, until=until):
            return {"informed_until": until, "clocks": ticket_clocks.promise(ticket.clocks, until, at)}
        case e.PeopleNotified(why=NoticeKind.PROGRESS, promised_at=promised_at):
            of = f"{ticket.team}\n{ticket.level}\n{promised_at.isoformat() if promised_at else ''}"
            return {"informed_until": promised_at or ticket.informed_until, "informed_of": of}
        case e.ProgressSuppressed():
            return {"informed_until": None}
        case e.AcknowledgementEnqueued(promised_at=given) | e.StatusAsked(promised_at=given):
            return {"informed_until": given} if given else {}
        case e.ActUndone(restored=restored, fields=names):
            return {name: getattr(restored, name) for name in names}
        case e.TicketSnoozed(until=until):
            return {"snoozed_until": until}
        case e.TicketCorrected(values=values):
            return dict(values)
        case e.TagsChanged(added=added, removed=removed):
            return {"tags": tuple(tag for tag in dict.fromkeys((*ticket.tags, *added)) if tag not in removed)}
        case e.IncidentOpened():
            return {"incident": ticket.number}
        case e.IncidentJoined(incident=incident):
            # Nobody has to confirm or decide about one complaint of many.
            return {
                "incident": incident,
                "clocks": ticket_clocks.without(ticket.clocks, *ticket_clocks.STEP_CLOCKS),
            }
        case e.StepTaken(target=target, step=step, at=at):
            return {"clocks": ticket_clocks.take_step(ticket.clocks, target, step, at)}
        case e.TargetMissed(target=target, at=at) | e.ReminderDue(target=target, at=at):
            return {"clocks": ticket_clocks.take_step(ticket.clocks, target, ladder.MISSED, at)}
        case e.DecisionMade():
            return {"clocks": ticket_clocks.after_decision(ticket.clocks)}
        case e.TicketClosed(at=at, cause=cause):
            return {
                "closed_at": at,
                "cause": cause or ticket.cause,
                "snoozed_until": None,
                "turn_until": None,
                "informed_until": None,
            }
        case e.TicketReopened():
            # What comes after the end of an incident is a matter of its own.
            return {
                "closed_at": None,
                "reopened": ticket.reopened + 1,
                "incident": None,
                **_TURN_OURS,
            }
        case e.SatisfactionRated(score=score):
            return {"satisfaction": score}
        case e.TicketReleased():
            return {"held_for": None, "clocks": ticket_clocks.after_answer(ticket.clocks)}
        case e.TicketMerged(into=into):
            return {"merged_into": into}
        case e.TicketUnmerged():
            return {"merged_into": None}
        case e.CustomerChanged(customer=customer):
            return {"customer": customer, "reply_to": ""}
        case e.AnswersMoved(to=to):
            return {"reply_to": "" if to == ticket.customer else to}
    return {}


_TURN_OURS: dict[str, Any] = {"turn": Turn.OURS, "turn_until": None, "turn_why": NO_REASON}


def status_by_turn(ticket: Ticket, turn: Turn, *, answered: bool) -> Status:
    """Return the status that a turn gives; a ticket that is over stays so."""
    if ticket.status not in LIVE:
        return ticket.status
    if turn is not Turn.OURS:
        return WAITING
    return OPEN if answered or ticket.first_response_at else NEW


class DecisionBuilder:
    """A decision in progress: the ticket so far, its events and notices. Lives for one decision.

    `loads`: the open tickets of agents, for choosing one. `informed`: addresses of agents who learn of it by
    another mail.
    """

    def __init__(
        self, ticket: Ticket, *first: Event, loads: Loads = NO_LOADS, informed: frozenset[str] = frozenset()
    ) -> None:
        self.loads, self.informed = loads, informed
        self.ticket = ticket
        self.hold_until: datetime | None = None  # when notices to agents leave, if not at once
        self.events: list[Event] = list(first)
        self.notices: list[Notice] = []

    def record(self, *events: Event) -> None:
        for event in events:
            self.ticket = evolve(self.ticket, event)
            self.events.append(event)

    def notify(self, *notices: Notice) -> None:
        self.notices += [
            each for each in notices if each.to not in self.informed or isinstance(each, ToCustomer)
        ]

    def take(self, decision: Decision) -> None:
        """Add what was decided apart, on the ticket as it is here."""
        self.record(*decision.events)
        self.notify(*decision.notices)

    def decision(self) -> Decision:
        return Decision(self.ticket, tuple(self.events), tuple(self.notices))


def clocks_set(ticket: Ticket, policy: Policy, now: datetime) -> e.ClocksSet:
    """Return the event that sets the clocks by what the ticket is now."""
    if not ticket.clocks:
        return e.ClocksSet(now, POLICY, _first_clocks(ticket, policy, now))
    mine, calendar = ladder.ladder_of(ticket, policy), ladder.calendar_of(ticket, policy)
    return e.ClocksSet(now, POLICY, ticket_clocks.clocks_for(ticket, mine, calendar, now))


def _first_clocks(ticket: Ticket, policy: Policy, now: datetime) -> tuple[Clock, ...]:
    """Return the clocks of a ticket without any. Tickets of one batch share the value, and what follows from it."""
    mine = ladder.ladder_of(ticket, policy)
    key = (
        *(now, id(mine), ticket.status, ticket.turn, ticket.turn_until, ticket.unanswered),
        *(ticket.held_for is None, ticket.first_response_at is None, ticket.is_incident),
    )
    known: tuple[Clock, ...] | None = policy.computed.get(key)
    if known is None:
        known = ticket_clocks.clocks_for(ticket, mine, ladder.calendar_of(ticket, policy), now)
        policy.computed.add(key, known)
    return known
