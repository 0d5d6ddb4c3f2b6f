"""What a simulation is fed with: a ticket as it came, and what people did to it, at their moments.

Taken from the recorded events. What the policy did by itself (steps, owners, clocks) is left out: that is
what the simulation tells again. Only the moments are kept at which the daemon took what was due.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain.events import Event


@dataclass(frozen=True, slots=True)
class Wrote:
    """The customer wrote. `routed`: how the rules routed the closed ticket anew, where they did."""

    at: datetime
    version: str
    message_id: str = ""
    because: str = ""
    routed: e.TicketRouted | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """Somebody of ours answered; `agent` "" is whoever has it."""

    at: datetime
    version: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Commanded:
    at: datetime
    version: str
    command: c.Command
    by: str


@dataclass(frozen=True, slots=True)
class Rearranged:
    """Messages came or went (merged, split, moved): the event that says so and the turn told anew after it.
    `why`: what the team was told of it, "" when nobody was."""

    at: datetime
    version: str
    event: Event
    retold: e.TicketRebuilt | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Fired:
    """The daemon took what was due. `muted`: why the customer was told nothing."""

    at: datetime
    version: str
    muted: str = ""


@dataclass(frozen=True, slots=True)
class Recomputed:
    """An admin had it reckoned anew by the policy of that version."""

    at: datetime
    version: str
    by: str


Stimulus = Wrote | Answered | Commanded | Rearranged | Fired | Recomputed
# What the policy's own acts are compared by; `PeopleNotified` apart from them.
TWINS = (
    e.StepTaken,
    e.TicketEscalated,
    e.TargetMissed,
    e.ReminderDue,
    e.TicketHandedOver,
    e.DecisionRequested,
    e.PeopleNotified,
)
# Told about mail of ours that came back: no policy's doing.
ABOUT_MAIL = frozenset({"bounced", "complained", "undeliverable"})


@dataclass(frozen=True, slots=True)
class Life:
    """One ticket. `version` is of the policy that opened it.

    `holder`: who got it because they have another, and which; `retold` and `why` as with `Rearranged`, of a
    ticket that was split off. `holders`: who had it after the opening and after each stimulus, as recorded;
    () when nothing was. `recorded`: what the policy did, for comparing.
    """

    number: str
    version: str
    opened: e.TicketOpened
    routed: e.TicketRouted
    stimuli: tuple[Stimulus, ...] = ()
    acknowledged: Event | None = None
    holder: tuple[str, str] = ("", "")
    retold: e.TicketRebuilt | None = None
    why: str = "new"
    holders: tuple[str | None, ...] = ()
    recorded: tuple[Event, ...] = ()

    @property
    def begins_at(self) -> datetime:
        """When the matter began, the order of feeding. What was split off began before it came."""
        return self.opened.since or self.opened.at


Told = Sequence[tuple[str, Event]]  # (version of the policy, event), in the order of one ticket's record


def life_of(number: str, told: Told) -> Life | None:
    """None for what has no beginning: its first events are not there."""
    opened, routed = (told[0][1], told[1][1]) if len(told) > 1 else (None, None)
    if not isinstance(opened, e.TicketOpened) or not isinstance(routed, e.TicketRouted):
        return None
    scan = _Scan()
    for position, (by_version, event) in enumerate(told):
        scan.take(position, by_version, event, told)
    first = [event for _, event in told[: scan.first or len(told)] if event.at == opened.at]
    held = next((each for each in first if _is_holder(each)), None)
    return Life(
        number=number,
        version=told[0][0],
        opened=opened,
        routed=routed,
        stimuli=tuple(scan.stimuli),
        acknowledged=_one(first, e.AcknowledgementEnqueued, e.AcknowledgementSuppressed),
        holder=(held.assignee, held.because) if isinstance(held, e.TicketAssigned) else ("", ""),
        retold=_one(first, e.TicketRebuilt),  # type: ignore[arg-type]
        why=next((event.why for event in reversed(first) if isinstance(event, e.PeopleNotified)), ""),
        holders=(*scan.holders, scan.holder),
        recorded=tuple(event for _, event in told if isinstance(event, TWINS) and not _of_mail(event)),
    )


def _is_holder(event: Event) -> bool:
    return isinstance(event, e.TicketAssigned) and event.because.startswith("has ")


def _of_mail(event: Event) -> bool:
    return isinstance(event, e.PeopleNotified) and event.why in ABOUT_MAIL


def _one(told: Iterable[Event], *kinds: type) -> Event | None:
    return next((event for event in told if isinstance(event, kinds)), None)


class _Scan:
    """One walk over a ticket's events."""

    def __init__(self) -> None:
        self.stimuli: list[Stimulus] = []
        self.holders: list[str | None] = []  # after the opening and after each stimulus but the last
        self.holder: str | None = None
        self.first = 0  # where the first stimulus stands

    def take(self, position: int, version: str, event: Event, told: Told) -> None:
        found = self._stimulus(position, version, event, told)
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
                if self.stimuli and isinstance(last := self.stimuli[-1], Fired) and last.at == event.at:
                    self.stimuli[-1] = replace(last, muted=reason)

    def _stimulus(self, position: int, version: str, event: Event, told: Told) -> Stimulus | None:
        at = event.at
        match event:
            case e.CustomerWrote(message_id=message_id, evidence=evidence):
                after = told[position + 1][1] if position + 1 < len(told) else None
                anew = after if isinstance(after, e.TicketRouted) else None
                return Wrote(at, version, message_id, evidence, anew)
            case e.AgentAnswered(agent=agent):
                return Answered(at, version, agent)
            case e.StepTaken() | e.TargetMissed() | e.ReminderDue():
                return None if self._goes_on(at) else Fired(at, version)
            case e.LadderChanged(by=by):
                return Recomputed(at, version, by)
            case e.TicketAssigned(by="policy", because=because):
                return self._found_alone(position, version, told) if position > 2 and because else None
            case e.TicketAssigned() | e.TicketEscalated() | e.TicketClosed() | e.DecisionMade():
                return _commanded(version, event)
            case e.TicketReleased(by=by):
                return Commanded(at, version, c.Reject(), by)
            case e.TicketMerged() | e.MergeReceived() | e.MessageMoved():
                return _rearranged(position, version, event, told)
            case e.TicketUnmerged() | e.MergeReverted() | e.TicketSplit():
                return _rearranged(position, version, event, told)
        return None

    def _goes_on(self, at: datetime) -> bool:
        """Is it of the decision that was told last?"""
        return bool(self.stimuli) and self.stimuli[-1].at == at and isinstance(self.stimuli[-1], Fired)

    def _found_alone(self, position: int, version: str, told: Told) -> Stimulus | None:
        """An owner given in a decision of its own: nothing else happened to the ticket at that moment."""
        at = told[position][1].at
        if (self.stimuli and self.stimuli[-1].at == at) or told[0][1].at == at:
            return None
        behind = (event for _, event in told[position + 1 :])
        for event in behind:
            if event.at != at:
                break
            if isinstance(event, e.StepTaken | e.TargetMissed | e.ReminderDue):
                return Fired(at, version)
        return Recomputed(at, version, "policy")


def _commanded(version: str, event: Event) -> Stimulus | None:
    by = event.by
    if by == "policy":
        return None
    match event:
        case e.TicketAssigned(assignee=assignee, because=because) if because == f"by {by}":
            return Commanded(event.at, version, c.Assign(assignee), by)
        case e.TicketEscalated(level=level, because=because):
            return Commanded(event.at, version, c.Escalate(level, because), by)
        case e.TicketClosed(because=because):
            return Commanded(event.at, version, c.Close(because), by)
        case e.DecisionMade(option=option, because=because):
            return Commanded(event.at, version, c.Decide(option, because), by)
    return None


def _rearranged(position: int, version: str, event: Event, told: Told) -> Stimulus:
    """The decision is the event, the turn told anew, and perhaps a word to the team, in this order."""
    after = [each for _, each in told[position + 1 : position + 3]]
    retold = after[0] if after and isinstance(after[0], e.TicketRebuilt) else None
    word = after[1] if retold and len(after) > 1 else None
    why = word.why if isinstance(word, e.PeopleNotified) and word.at == event.at else ""
    return Rearranged(event.at, version, event, retold, why)
