"""Compare the record with its simulation: every act of a policy must be in both.

Kind, time (to the microsecond), due time, step and level are compared. Recipients are compared apart:
which agent got a ticket may depend on loads that another node knew. What follows from acts that no simulation
repeats is listed apart, as not modelled.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailbot.analysis.simulate.engine import Outcome
from mailbot.analysis.simulate.recorded_ticket import POLICY_EVENTS, TicketScript
from mailbot.domain import events as e
from mailbot.domain.actor import POLICY
from mailbot.domain.events import Event
from mailbot.domain.ladder import Deadline

# A deadline still open when one this much younger was taken: the daemon ran and skipped it.
PATIENCE = timedelta(minutes=1)
RECORDED, SIMULATED = "recorded", "simulated"
Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """An act of only one of the two. `only` is "recorded" or "simulated". `due_at` is None for acts
    without a due time."""

    number: str
    only: str
    what: str
    at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Overtaken:
    """A deadline that fell due, and something else happened before the daemon took it; or the record ends.

    The daemon was late, as after downtime.
    """

    number: str
    what: str
    due_at: datetime
    by_at: datetime


@dataclass(frozen=True, slots=True)
class NotModelled:
    """An act of only one of the two, for which `because` is a reason outside of the simulation."""

    number: str
    what: str
    at: datetime
    because: str


@dataclass(slots=True)
class Verdict:
    """`same` counts the acts found in both. `told_otherwise` are notices with other recipients than
    recorded."""

    same: int = 0
    differences: list[Difference] = field(default_factory=list)
    told_otherwise: list[Difference] = field(default_factory=list)
    not_modelled: list[NotModelled] = field(default_factory=list)
    overtaken: list[Overtaken] = field(default_factory=list)
    latest: timedelta = timedelta()  # the largest delay of a deadline


class Reproduction:
    """Compares each ticket when it is over. Acts from `until` on don't count."""

    def __init__(self, until: datetime) -> None:
        self.verdict = Verdict()
        self._until = until
        self._simulated: dict[str, list[Event]] = {}

    def take(self, outcome: Outcome, taken_until: datetime) -> None:
        """Record an outcome. `taken_until`: see `Simulation`."""
        number = outcome.script.number
        if outcome.overtaken:
            self._overtaken(outcome.script, outcome.overtaken, outcome.at, taken_until)
        events = self._simulated.setdefault(number, [])
        events += (event for event in outcome.events if isinstance(event, POLICY_EVENTS))
        if outcome.over:
            self._compare(outcome.script, self._simulated.pop(number))

    def _compare(self, script: TicketScript, simulated: list[Event]) -> None:
        recorded = script.recorded
        then = Counter(_key(event) for event in recorded if event.at < self._until)
        now = Counter(_key(event) for event in simulated)
        self.verdict.same += (then & now).total()
        if then != now:
            for only, keys in ((RECORDED, then - now), (SIMULATED, now - then)):
                for key in keys.elements():
                    self._add(script, only, key)
        late = (event.at - event.due_at for event in recorded if isinstance(event, _DUE))
        self.verdict.latest = max(self.verdict.latest, *late, timedelta())

    def _add(self, script: TicketScript, only: str, key: Key) -> None:
        found = _difference(script.number, only, key)
        if because := _not_modelled(script, found, key):
            self.verdict.not_modelled.append(NotModelled(found.number, found.what, found.at, because))
        elif key[0] is e.PeopleNotified:
            self.verdict.told_otherwise.append(found)
        else:
            self.verdict.differences.append(found)

    def _overtaken(self, script: TicketScript, due: Deadline, at: datetime, taken_until: datetime) -> None:
        number, due_at = script.number, due.due_at
        what = f"{due.target.value}, step {due.step + 1}" if due.step >= 0 else f"{due.target.value}"
        if taken_until <= due_at + PATIENCE:
            self.verdict.overtaken.append(Overtaken(number, what, due_at, at))
        elif because := _outside(script, due_at):
            self.verdict.not_modelled.append(NotModelled(number, what, due_at, because))
        else:
            self.verdict.differences.append(Difference(number, SIMULATED, what, due_at, due_at))


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


def _not_modelled(script: TicketScript, found: Difference, key: Key) -> str:
    """Return what caused a difference outside of the simulation, "" when it is one."""
    if found.only == RECORDED and _is_by_hand(script, key):
        return "done by hand, impossible in the simulation"
    return _outside(script, found.at)


def _outside(script: TicketScript, until: datetime) -> str:
    """Return what happened to the ticket until then that no simulation repeats, "" for nothing."""
    return next((because for at, because in script.unmodelled if at <= until), "")


def _is_by_hand(script: TicketScript, key: Key) -> bool:
    acts = (each for each in script.recorded if isinstance(each, e.TicketEscalated | e.TicketHandedOver))
    return any(each.by != POLICY and _key(each) == key for each in acts)


_NAMES = {
    e.StepTaken: "step taken",
    e.TargetMissed: "promise missed",
    e.ReminderDue: "reminder",
    e.TicketEscalated: "escalated",
    e.TicketHandedOver: "handed over",
    e.DecisionRequested: "decision asked",
    e.PeopleNotified: "notified",
}


def _difference(number: str, only: str, key: Key) -> Difference:
    kind, at, due_at, detail = key
    assert isinstance(kind, type)
    assert isinstance(at, datetime)
    return Difference(
        number, only, f"{_NAMES[kind]}: {detail}", at, due_at if isinstance(due_at, datetime) else None
    )
