"""The record against its simulation: whatever the policy did has its twin there, and the other way round.

Compared to the microsecond: kind, moment, when it was due, which step, which level. Whom people of the policy
told is compared apart: which agent got a ticket may hang on what another node knew of the loads.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailbot.analysis.simulate.engine import Outcome
from mailbot.analysis.simulate.recorded_ticket import POLICY_EVENTS
from mailbot.domain import events as e
from mailbot.domain.events import Event
from mailbot.domain.ladder import Deadline

# A deadline that was not taken though one so much younger was: the daemon was there and passed it over.
PATIENCE = timedelta(minutes=1)
RECORDED, SIMULATED = "recorded", "simulated"
Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """`only`: which of the two has it, "recorded" or "simulated". `due_at` None: what is never due."""

    number: str
    only: str
    what: str
    at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Overtaken:
    """It fell due, and before the daemon took it something else happened to the ticket, or nothing is on
    record any more: late, as after a time when it was down."""

    number: str
    what: str
    due_at: datetime
    by_at: datetime


@dataclass(slots=True)
class Verdict:
    """`same`: so many have their twin. `told_otherwise`: the same was told to others than the record says."""

    same: int = 0
    differences: list[Difference] = field(default_factory=list)
    told_otherwise: list[Difference] = field(default_factory=list)
    overtaken: list[Overtaken] = field(default_factory=list)
    latest: timedelta = timedelta()  # the longest that anything was taken after it was due


class Reproduction:
    """Give it all that happens; tickets are compared when they are over. `until`: nothing later counts."""

    def __init__(self, until: datetime) -> None:
        self.verdict = Verdict()
        self._until = until
        self._told: dict[str, list[Event]] = {}

    def take(self, outcome: Outcome, taken_until: datetime) -> None:
        """`taken_until`: see `Simulation`."""
        number = outcome.script.number
        if outcome.overtaken:
            self._overtaken(number, outcome.overtaken, outcome.at, taken_until)
        told = self._told.setdefault(number, [])
        told += (event for event in outcome.events if isinstance(event, POLICY_EVENTS))
        if outcome.over:
            self._compare(number, outcome.script.recorded, self._told.pop(number))

    def _compare(self, number: str, recorded: tuple[Event, ...], simulated: list[Event]) -> None:
        then = Counter(_key(event) for event in recorded if event.at < self._until)
        now = Counter(_key(event) for event in simulated)
        self.verdict.same += (then & now).total()
        if then != now:
            for only, keys in ((RECORDED, then - now), (SIMULATED, now - then)):
                for key in keys.elements():
                    found = _difference(number, only, key)
                    is_telling = key[0] is e.PeopleNotified
                    (self.verdict.told_otherwise if is_telling else self.verdict.differences).append(found)
        late = (event.at - event.due_at for event in recorded if isinstance(event, _DUE))
        self.verdict.latest = max(self.verdict.latest, *late, timedelta())

    def _overtaken(self, number: str, due: Deadline, at: datetime, taken_until: datetime) -> None:
        what = f"{due.target.value}, step {due.step + 1}" if due.step >= 0 else f"{due.target.value}"
        if taken_until > due.due_at + PATIENCE:
            found = Difference(number, SIMULATED, what, due.due_at, due.due_at)
            self.verdict.differences.append(found)
        else:
            self.verdict.overtaken.append(Overtaken(number, what, due.due_at, at))


_DUE = e.StepTaken | e.TargetMissed | e.ReminderDue


def _key(event: Event) -> Key:
    kind = type(event)
    match event:
        case e.StepTaken(ladder=ladder, step=step, target=target, due_at=due_at):
            return kind, event.at, due_at, f"{target.value}, step {step + 1} of {ladder}"
        case e.TargetMissed(target=target, due_at=due_at) | e.ReminderDue(target=target, due_at=due_at):
            return kind, event.at, due_at, target.value
        case e.TicketEscalated(level=level, by=by):
            return kind, event.at, None, f"to {level} by {by}"
        case e.TicketHandedOver(team=team):
            return kind, event.at, None, f"to {team}"
        case e.DecisionRequested(level=level):
            return kind, event.at, None, f"of {level}"
        case e.PeopleNotified(recipients=recipients, why=why):
            return kind, event.at, None, f"{why}: {', '.join(recipients)}"
    raise AssertionError(f"{kind.__name__} is no act of a policy")


_SAID = {
    e.StepTaken: "step taken",
    e.TargetMissed: "promise missed",
    e.ReminderDue: "reminder",
    e.TicketEscalated: "escalated",
    e.TicketHandedOver: "handed over",
    e.DecisionRequested: "decision asked",
    e.PeopleNotified: "told",
}


def _difference(number: str, only: str, key: Key) -> Difference:
    kind, at, due_at, said = key
    assert isinstance(kind, type)
    assert isinstance(at, datetime)
    return Difference(
        number, only, f"{_SAID[kind]}: {said}", at, due_at if isinstance(due_at, datetime) else None
    )
