"""Compare the record with its simulation: every act of a policy must be in both.

Kind, time (to the microsecond), due time, step and level are compared. Recipients are compared apart:
which agent got a ticket may depend on loads that another node knew.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailbot.analysis.simulate.engine import Outcome
from mailbot.analysis.simulate.recorded_ticket import POLICY_EVENTS
from mailbot.domain import events as e
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


@dataclass(slots=True)
class Verdict:
    """`same` counts the acts found in both. `told_otherwise` are notices with other recipients than
    recorded."""

    same: int = 0
    differences: list[Difference] = field(default_factory=list)
    told_otherwise: list[Difference] = field(default_factory=list)
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
            self._overtaken(number, outcome.overtaken, outcome.at, taken_until)
        events = self._simulated.setdefault(number, [])
        events += (event for event in outcome.events if isinstance(event, POLICY_EVENTS))
        if outcome.over:
            self._compare(number, outcome.script.recorded, self._simulated.pop(number))

    def _compare(self, number: str, recorded: tuple[Event, ...], simulated: list[Event]) -> None:
        then = Counter(_key(event) for event in recorded if event.at < self._until)
        now = Counter(_key(event) for event in simulated)
        self.verdict.same += (then & now).total()
        if then != now:
            for only, keys in ((RECORDED, then - now), (SIMULATED, now - then)):
                for key in keys.elements():
                    found = _difference(number, only, key)
                    is_notification = key[0] is e.PeopleNotified
                    (self.verdict.told_otherwise if is_notification else self.verdict.differences).append(
                        found
                    )
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


_NAMES = {
    e.StepTaken: "step taken",
    e.TargetMissed: "promise missed",
    e.ReminderDue: "reminder",
    e.TicketEscalated: "escalated",
    e.TicketHandedOver: "handed over",
    e.DecisionRequested: "decision asked",
    e.PeopleNotified: "told",
}


def _difference(number: str, only: str, key: Key) -> Difference:
    kind, at, due_at, detail = key
    assert isinstance(kind, type)
    assert isinstance(at, datetime)
    return Difference(
        number, only, f"{_NAMES[kind]}: {detail}", at, due_at if isinstance(due_at, datetime) else None
    )
