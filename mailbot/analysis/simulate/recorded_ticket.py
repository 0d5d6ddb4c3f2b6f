"""The script of a ticket for a simulation: how it came, and what people did to it when.

Scripts come from recorded events. Acts of the policy (steps, owners, clocks) are left out: the simulation
computes them. Only the times at which the daemon took deadlines are kept.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import get_args

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain.actor import POLICY, Actor
from mailbot.domain.events import Event
from mailbot.domain.model import NoticeKind, Turn
from mailbot.domain.reasons import NO_REASON, Reason, words_of
from mailbot.domain.replies.agent_answer import WAITS, Next


@dataclass(frozen=True, slots=True)
class CustomerMail:
    """The customer wrote. `routed` is how the rules routed a closed ticket again, if they did."""

    at: datetime
    version: str
    message_id: str = ""
    reason: Reason = NO_REASON
    routed: e.TicketRouted | None = None


@dataclass(frozen=True, slots=True)
class AgentAnswer:
    """An agent answered; `agent` "" is the owner. `after`: the turn as it was recorded."""

    at: datetime
    version: str
    agent: str = ""
    after: Next = WAITS


@dataclass(frozen=True, slots=True)
class CommandGiven:
    at: datetime
    version: str
    command: c.Command
    by: Actor


@dataclass(frozen=True, slots=True)
class MessagesMoved:
    """Messages came or went by a merge, a split or a move.

    `rebuilt` is the turn afterwards. `why` is the reason of the team's notice, "" without one.
    """

    at: datetime
    version: str
    event: Event
    rebuilt: e.TicketRebuilt | None
    why: NoticeKind | None = None


@dataclass(frozen=True, slots=True)
class DeadlineTaken:
    """The daemon took a deadline. `suppressed` is the reason why the customer got no notice."""

    at: datetime
    version: str
    suppressed: Reason = NO_REASON


@dataclass(frozen=True, slots=True)
class DeadlinesRecomputed:
    """An admin had the deadlines recomputed by the policy of that version."""

    at: datetime
    version: str
    by: Actor


Stimulus = CustomerMail | AgentAnswer | CommandGiven | MessagesMoved | DeadlineTaken | DeadlinesRecomputed
# The acts of a policy that are compared; `PeopleNotified` apart from the others.
POLICY_EVENTS = (
    e.StepTaken,
    e.TicketEscalated,
    e.TargetMissed,
    e.ReminderDue,
    e.TicketHandedOver,
    e.DecisionRequested,
    e.PeopleNotified,
)
# Notices about bounced mail: not caused by a policy.
ABOUT_MAIL = frozenset(
    {NoticeKind.BOUNCED, NoticeKind.COMPLAINED, NoticeKind.UNDELIVERABLE, NoticeKind.SENT_BY_MAIL}
)
# What happens to tickets and no simulation repeats: it can bring notices along, and change whose turn it is.
UNMODELLED: dict[type[Event], str] = {
    e.TicketSnoozed: "snoozed by hand",
    **dict.fromkeys((e.IncidentOpened, e.IncidentJoined, e.IncidentResolved), "part of an incident"),
    e.CustomerChanged: "given to another customer by hand",
    **dict.fromkeys((e.ParticipantsAdded, e.ParticipantsRemoved), "participants changed"),
    **dict.fromkeys(get_args(e.Identities), "identities of the customer linked"),
    **dict.fromkeys(get_args(e.Compensation), "compensation"),
    e.SatisfactionRated: "rated by the customer",
    **dict.fromkeys(get_args(e.Undelivered), "undelivered mail"),
    e.DetailsReceived: "details sent by the customer",
    e.AutomaticMailReceived: "mail from a machine",
    e.AgentMailHeld: "mail of an agent that was held",
}


@dataclass(frozen=True, slots=True)
class TicketScript:
    """One ticket. `version` is the policy that opened it.

    `holder` is the owner of another ticket of the customer, with the reason. `rebuilt` and `why` are as in
    `MessagesMoved`, for a ticket that was split off. `holders` are the recorded owners after the opening
    and after each stimulus, () without a record. `recorded` are the acts of the policy, for comparison.
    `unmodelled` are the moments of what is in UNMODELLED, each with its words.
    """

    number: str
    version: str
    opened: e.TicketOpened
    routed: e.TicketRouted
    stimuli: tuple[Stimulus, ...] = ()
    acknowledged: Event | None = None
    holder: tuple[str, Reason] = ("", NO_REASON)
    rebuilt: e.TicketRebuilt | None = None
    why: NoticeKind | None = NoticeKind.NEW
    holders: tuple[str | None, ...] = ()
    recorded: tuple[Event, ...] = ()
    unmodelled: tuple[tuple[datetime, str], ...] = ()

    @property
    def begins_at(self) -> datetime:
        """Return when the matter began. A ticket that was split off began before its opening."""
        return self.opened.since or self.opened.at


Record = Sequence[tuple[str, Event]]  # (version of the policy, event), in the order of one ticket's record


def script_of(number: str, record: Record) -> TicketScript | None:
    """Build the script of a record; None when the record lacks its first events, or was filed at first."""
    opened, routed = (record[0][1], record[1][1]) if len(record) > 1 else (None, None)
    if not isinstance(opened, e.TicketOpened) or not isinstance(routed, e.TicketRouted):
        return None
    if any(isinstance(event, e.TicketFiled) for _, event in record):
        return None
    unmodelled = tuple(
        (event.at, UNMODELLED[type(event)]) for _, event in record if type(event) in UNMODELLED
    )
    record = [each for each in record if type(each[1]) not in UNMODELLED]
    scan = _Scan()
    for position, (by_version, event) in enumerate(record):
        scan.take(position, by_version, event, record)
    first = [event for _, event in record[: scan.first or len(record)] if event.at == opened.at]
    kept_owner = next((each for each in first if _names_holder(each)), None)
    return TicketScript(
        number=number,
        version=record[0][0],
        opened=opened,
        routed=routed,
        stimuli=tuple(scan.stimuli),
        acknowledged=_first_of(first, e.AcknowledgementEnqueued, e.AcknowledgementSuppressed),
        holder=(kept_owner.assignee, kept_owner.reason)
        if isinstance(kept_owner, e.TicketAssigned)
        else ("", NO_REASON),
        rebuilt=_first_of(first, e.TicketRebuilt),  # type: ignore[arg-type]
        why=next((event.why for event in reversed(first) if isinstance(event, e.PeopleNotified)), None),
        holders=(*scan.holders, scan.holder),
        recorded=tuple(
            event for _, event in record if isinstance(event, POLICY_EVENTS) and not _is_about_mail(event)
        ),
        unmodelled=unmodelled,
    )


def _names_holder(event: Event) -> bool:
    return isinstance(event, e.TicketAssigned) and event.reason.code == "has_ticket"


def _is_about_mail(event: Event) -> bool:
    return isinstance(event, e.PeopleNotified) and event.why in ABOUT_MAIL


def _first_of(record: Iterable[Event], *kinds: type) -> Event | None:
    return next((event for event in record if isinstance(event, kinds)), None)


class _Scan:
    """One pass over the events of a ticket."""

    def __init__(self) -> None:
        self.stimuli: list[Stimulus] = []
        self.holders: list[str | None] = []  # after the opening and after each stimulus but the last
        self.holder: str | None = None
        self.first = 0  # position of the first stimulus

    def take(self, position: int, version: str, event: Event, record: Record) -> None:
        found = self._stimulus(position, version, event, record)
        if found is not None:
            self.first = self.first or position
            self.holders.append(self.holder)
            self.stimuli.append(found)
        match event:
            case e.TicketAssigned(assignee=assignee):
                self.holder = assignee
            case e.TicketHandedOver() | e.TicketEscalated():
                self.holder = None
            case e.ProgressSuppressed(reason=reason):
                if (
                    self.stimuli
                    and isinstance(last := self.stimuli[-1], DeadlineTaken)
                    and last.at == event.at
                ):
                    self.stimuli[-1] = replace(last, suppressed=reason)

    def _stimulus(self, position: int, version: str, event: Event, record: Record) -> Stimulus | None:
        at = event.at
        match event:
            case e.CustomerWrote(message_id=message_id, reason=reason):
                after = record[position + 1][1] if position + 1 < len(record) else None
                new_routing = after if isinstance(after, e.TicketRouted) else None
                return CustomerMail(at, version, message_id, reason, new_routing)
            case e.AgentAnswered(agent=agent, turn=turn, reason=reason):
                return AgentAnswer(at, version, agent, Next(turn, reason))
            case e.StepTaken() | e.TargetMissed() | e.ReminderDue():
                return None if self._is_same_decision(at) else DeadlineTaken(at, version)
            case e.LadderChanged(by=by):  # a new priority brings its ladder along
                is_corrected = isinstance(record[position - 1][1], e.TicketCorrected)
                return None if is_corrected else DeadlinesRecomputed(at, version, by)
            case e.PeopleNotified(reason=reason) if reason.code == "promise_ends_soon":
                return None if self._is_same_decision(at) else DeadlineTaken(at, version)
            case e.ProgressSuppressed() if not (self.stimuli and self.stimuli[-1].at == at):
                return DeadlineTaken(at, version)
            case e.TurnSet():
                return _turn_set(position, version, event, record)
            case e.TicketAssigned(by=by, reason=reason) if by == POLICY:
                return self._lone_assignment(position, version, record) if position > 2 and reason else None
            case e.TicketClosed(by=by) if by == POLICY:  # after a long silence
                return None if self._is_same_decision(at) else DeadlineTaken(at, version)
            case e.TicketReopened(at=at) if _opens_by_mail(position, record):
                return None
            case (
                e.TicketAssigned()
                | e.TicketEscalated()
                | e.TicketHandedOver()
                | e.TicketClosed()
                | e.TicketReopened()
                | e.TicketCorrected()
                | e.DecisionMade()
            ):
                return _command_given(version, event)
            case e.TicketReleased(by=by):
                return CommandGiven(at, version, c.Reject(), by)
            case e.TicketMerged() | e.MergeReceived() | e.MessageMoved():
                return _messages_moved(position, version, event, record)
            case e.TicketUnmerged() | e.MergeReverted() | e.TicketSplit():
                return _messages_moved(position, version, event, record)
        return None

    def _is_same_decision(self, at: datetime) -> bool:
        """Check whether an event belongs to the decision that was recorded last."""
        return (
            bool(self.stimuli) and self.stimuli[-1].at == at and isinstance(self.stimuli[-1], DeadlineTaken)
        )

    def _lone_assignment(self, position: int, version: str, record: Record) -> Stimulus | None:
        """Return the stimulus of an assignment that is a decision of its own."""
        at = record[position][1].at
        if (self.stimuli and self.stimuli[-1].at == at) or record[0][1].at == at:
            return None
        following = (event for _, event in record[position + 1 :])
        for event in following:
            if event.at != at:
                break
            if isinstance(event, e.StepTaken | e.TargetMissed | e.ReminderDue):
                return DeadlineTaken(at, version)
        return DeadlinesRecomputed(at, version, POLICY)


def _command_given(version: str, event: Event) -> Stimulus | None:
    by = event.by
    if by == POLICY:
        return None
    match event:
        case e.TicketAssigned(assignee=assignee, reason=reason) if reason.code == "by_actor":
            return CommandGiven(event.at, version, c.Assign(assignee), by)
        case e.TicketEscalated(level=level, reason=reason):
            return CommandGiven(event.at, version, c.Escalate(level, words_of(reason)), by)
        case e.TicketHandedOver(team=team, reason=reason):
            return CommandGiven(event.at, version, c.HandOver(team, words_of(reason)), by)
        case e.TicketReopened(reason=reason):
            return CommandGiven(event.at, version, c.Reopen(words_of(reason)), by)
        case e.TicketCorrected(values=values):
            return CommandGiven(event.at, version, c.Correct(**dict(values)), by)
        case e.TicketClosed(reason=reason):
            return CommandGiven(event.at, version, c.Close(words_of(reason)), by)
        case e.DecisionMade(option=option, reason=reason):
            return CommandGiven(event.at, version, c.Decide(option, words_of(reason)), by)
    return None


def _opens_by_mail(position: int, record: Record) -> bool:
    """Check whether the customer's mail reopened the ticket: that stimulus comes next."""
    after = record[position + 1][1] if position + 1 < len(record) else None
    return isinstance(after, e.CustomerWrote)


def _turn_set(position: int, version: str, event: e.TurnSet, record: Record) -> Stimulus | None:
    """Read the command that set a turn; None where it ended by itself, or another command brought it along."""
    if event.turn is not Turn.OURS:
        wait = c.Wait(event.turn, event.until, words_of(event.reason))
        return CommandGiven(event.at, version, wait, event.by)
    if event.reason.code != "works_on":
        return None
    following = (each for _, each in record[position + 1 : position + 3] if each.at == event.at)
    until = next((each.until for each in following if isinstance(each, e.NewsPromised)), None)
    return CommandGiven(event.at, version, c.WorkOn(until), event.by)


def _messages_moved(position: int, version: str, event: Event, record: Record) -> Stimulus:
    """Read such a decision: the event, the rebuilt turn, and perhaps a notice to the team, in this order."""
    after = [each for _, each in record[position + 1 : position + 3]]
    rebuilt = after[0] if after and isinstance(after[0], e.TicketRebuilt) else None
    notification = after[1] if rebuilt and len(after) > 1 else None
    why = (
        notification.why
        if isinstance(notification, e.PeopleNotified) and notification.at == event.at
        else None
    )
    return MessagesMoved(event.at, version, event, rebuilt, why)
