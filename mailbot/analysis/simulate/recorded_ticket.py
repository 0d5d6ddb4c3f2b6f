"""What a simulation is fed with: a ticket as it came, and what people did to it, at their moments.

Taken from the recorded events. What the policy did by itself (steps, owners, clocks) is left out: that is
what the simulation tells again. Only the moments are kept at which the daemon took what was due.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain.actor import POLICY, Actor
from mailbot.domain.events import Event
from mailbot.domain.model import NoticeKind
from mailbot.domain.reasons import NO_REASON, Reason, words_of


@dataclass(frozen=True, slots=True)
class CustomerMail:
    """The customer wrote. `routed`: how the rules routed the closed ticket anew, where they did."""

    at: datetime
    version: str
    message_id: str = ""
    reason: Reason = NO_REASON
    routed: e.TicketRouted | None = None


@dataclass(frozen=True, slots=True)
class AgentAnswer:
    """Somebody of ours answered; `agent` "" is whoever has it."""

    at: datetime
    version: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class CommandGiven:
    at: datetime
    version: str
    command: c.Command
    by: Actor


@dataclass(frozen=True, slots=True)
class MessagesMoved:
    """Messages came or went (merged, split, moved): the event that says so and the turn told anew after it.
    `why`: what the team was notified of, None when nobody was."""

    at: datetime
    version: str
    event: Event
    rebuilt: e.TicketRebuilt | None
    why: NoticeKind | None = None


@dataclass(frozen=True, slots=True)
class DeadlineTaken:
    """The daemon took what was due. `suppressed`: why the customer got no notice."""

    at: datetime
    version: str
    suppressed: Reason = NO_REASON


@dataclass(frozen=True, slots=True)
class DeadlinesRecomputed:
    """An admin had it reckoned anew by the policy of that version."""

    at: datetime
    version: str
    by: Actor


Stimulus = CustomerMail | AgentAnswer | CommandGiven | MessagesMoved | DeadlineTaken | DeadlinesRecomputed
# What the policy's own acts are compared by; `PeopleNotified` apart from them.
POLICY_EVENTS = (
    e.StepTaken,
    e.TicketEscalated,
    e.TargetMissed,
    e.ReminderDue,
    e.TicketHandedOver,
    e.DecisionRequested,
    e.PeopleNotified,
)
# Told about mail of ours that came back: no policy's doing.
ABOUT_MAIL = frozenset({NoticeKind.BOUNCED, NoticeKind.COMPLAINED, NoticeKind.UNDELIVERABLE})


@dataclass(frozen=True, slots=True)
class TicketScript:
    """One ticket. `version` is of the policy that opened it.

    `holder`: who got it because they have another, and which; `rebuilt` and `why` as with `MessagesMoved`, of a
    ticket that was split off. `holders`: who had it after the opening and after each stimulus, as recorded;
    () when nothing was. `recorded`: what the policy did, for comparing.
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

    @property
    def begins_at(self) -> datetime:
        """When the matter began, the order of feeding. What was split off began before it came."""
        return self.opened.since or self.opened.at


Record = Sequence[tuple[str, Event]]  # (version of the policy, event), in the order of one ticket's record


def script_of(number: str, record: Record) -> TicketScript | None:
    """None for what has no beginning: its first events are not there."""
    opened, routed = (record[0][1], record[1][1]) if len(record) > 1 else (None, None)
    if not isinstance(opened, e.TicketOpened) or not isinstance(routed, e.TicketRouted):
        return None
    scan = _Scan()
    for position, (by_version, event) in enumerate(record):
        scan.take(position, by_version, event, record)
    first = [event for _, event in record[: scan.first or len(record)] if event.at == opened.at]
    held = next((each for each in first if _is_holder(each)), None)
    return TicketScript(
        number=number,
        version=record[0][0],
        opened=opened,
        routed=routed,
        stimuli=tuple(scan.stimuli),
        acknowledged=_one(first, e.AcknowledgementEnqueued, e.AcknowledgementSuppressed),
        holder=(held.assignee, held.reason) if isinstance(held, e.TicketAssigned) else ("", NO_REASON),
        rebuilt=_one(first, e.TicketRebuilt),  # type: ignore[arg-type]
        why=next((event.why for event in reversed(first) if isinstance(event, e.PeopleNotified)), None),
        holders=(*scan.holders, scan.holder),
        recorded=tuple(
            event for _, event in record if isinstance(event, POLICY_EVENTS) and not _of_mail(event)
        ),
    )


def _is_holder(event: Event) -> bool:
    return isinstance(event, e.TicketAssigned) and event.reason.code == "has_ticket"


def _of_mail(event: Event) -> bool:
    return isinstance(event, e.PeopleNotified) and event.why in ABOUT_MAIL


def _one(record: Iterable[Event], *kinds: type) -> Event | None:
    return next((event for event in record if isinstance(event, kinds)), None)


class _Scan:
    """One walk over a ticket's events."""

    def __init__(self) -> None:
        self.stimuli: list[Stimulus] = []
        self.holders: list[str | None] = []  # after the opening and after each stimulus but the last
        self.holder: str | None = None
        self.first = 0  # where the first stimulus stands

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
                anew = after if isinstance(after, e.TicketRouted) else None
                return CustomerMail(at, version, message_id, reason, anew)
            case e.AgentAnswered(agent=agent):
                return AgentAnswer(at, version, agent)
            case e.StepTaken() | e.TargetMissed() | e.ReminderDue():
                return None if self._goes_on(at) else DeadlineTaken(at, version)
            case e.LadderChanged(by=by):
                return DeadlinesRecomputed(at, version, by)
            case e.TicketAssigned(by=by, reason=reason) if by == POLICY:
                return self._found_alone(position, version, record) if position > 2 and reason else None
            case e.TicketAssigned() | e.TicketEscalated() | e.TicketClosed() | e.DecisionMade():
                return _commanded(version, event)
            case e.TicketReleased(by=by):
                return CommandGiven(at, version, c.Reject(), by)
            case e.TicketMerged() | e.MergeReceived() | e.MessageMoved():
                return _rearranged(position, version, event, record)
            case e.TicketUnmerged() | e.MergeReverted() | e.TicketSplit():
                return _rearranged(position, version, event, record)
        return None

    def _goes_on(self, at: datetime) -> bool:
        """Is it of the decision that was told last?"""
        return (
            bool(self.stimuli) and self.stimuli[-1].at == at and isinstance(self.stimuli[-1], DeadlineTaken)
        )

    def _found_alone(self, position: int, version: str, record: Record) -> Stimulus | None:
        """An owner given in a decision of its own: nothing else happened to the ticket at that moment."""
        at = record[position][1].at
        if (self.stimuli and self.stimuli[-1].at == at) or record[0][1].at == at:
            return None
        behind = (event for _, event in record[position + 1 :])
        for event in behind:
            if event.at != at:
                break
            if isinstance(event, e.StepTaken | e.TargetMissed | e.ReminderDue):
                return DeadlineTaken(at, version)
        return DeadlinesRecomputed(at, version, POLICY)


def _commanded(version: str, event: Event) -> Stimulus | None:
    by = event.by
    if by == POLICY:
        return None
    match event:
        case e.TicketAssigned(assignee=assignee, reason=reason) if reason.code == "by_actor":
            return CommandGiven(event.at, version, c.Assign(assignee), by)
        case e.TicketEscalated(level=level, reason=reason):
            return CommandGiven(event.at, version, c.Escalate(level, words_of(reason)), by)
        case e.TicketClosed(reason=reason):
            return CommandGiven(event.at, version, c.Close(words_of(reason)), by)
        case e.DecisionMade(option=option, reason=reason):
            return CommandGiven(event.at, version, c.Decide(option, words_of(reason)), by)
    return None


def _rearranged(position: int, version: str, event: Event, record: Record) -> Stimulus:
    """The decision is the event, the turn told anew, and perhaps a word to the team, in this order."""
    after = [each for _, each in record[position + 1 : position + 3]]
    rebuilt = after[0] if after and isinstance(after[0], e.TicketRebuilt) else None
    word = after[1] if rebuilt and len(after) > 1 else None
    why = word.why if isinstance(word, e.PeopleNotified) and word.at == event.at else None
    return MessagesMoved(event.at, version, event, rebuilt, why)
