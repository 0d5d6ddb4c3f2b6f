"""Count the outcomes of a simulation in one pass.

Only acts in the period count. Tickets that were opened before it are simulated from their opening.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from mailbot.analysis.simulate.engine import Outcome
from mailbot.domain import events as e
from mailbot.domain.actor import POLICY
from mailbot.domain.assignment import IN_HAND
from mailbot.domain.events import Event
from mailbot.domain.model import Ticket
from mailbot.reports.figures.api import Period

HOUR = timedelta(hours=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PROGRESS = "progress"  # the reason of notices to customers


@dataclass(frozen=True, slots=True)
class Missed:
    """The number of targets missed, by target and priority."""

    target: str
    priority: str
    count: int


@dataclass(frozen=True, slots=True)
class Escalations:
    """The number of escalations. `how` is "ladder" (a step), "by hand" or "nobody there" (no agent at its
    level)."""

    level: str
    how: str
    rule: str
    ladder: str
    count: int


@dataclass(frozen=True, slots=True)
class StepsTaken:
    """The number of times that a step was taken; steps count from 1."""

    ladder: str
    step: int
    target: str
    count: int


@dataclass(frozen=True, slots=True)
class Notified:
    """The number of notifications for a reason, and their mails."""

    why: str
    count: int
    mails: int


@dataclass(frozen=True, slots=True)
class PersonMails:
    """The number of mails to one of our people; `by_ladder` of them are reminders or escalations by a
    ladder."""

    address: str
    mails: int
    by_ladder: int


@dataclass(frozen=True, slots=True)
class Load:
    """The load of one level by hour of the local day, 24 values each.

    `in_hand`: mean number of tickets in our turn. `came`: tickets opened there or raised to it in that
    hour. `peak`: the largest mean of one single hour, which begins at `peak_at` (None without tickets).
    """

    level: str
    in_hand: tuple[float, ...]
    came: tuple[int, ...]
    peak: float
    peak_at: datetime | None


@dataclass(frozen=True, slots=True)
class Figures:
    """`tickets` were open at some time, `opened` of them in the period.

    `refused` counts commands that this policy does not allow or that have no effect, such as an answer to
    a question that was not asked.
    """

    tickets: int
    opened: int
    closed: int
    missed: tuple[Missed, ...]
    raised: tuple[Escalations, ...]
    taken: tuple[StepsTaken, ...]
    told: tuple[Notified, ...]
    people: tuple[PersonMails, ...]
    load: tuple[Load, ...]
    refused: int


class FigureCounter:
    """Counts the outcomes of one simulation. Pass them in the order of time."""

    def __init__(self, period: Period) -> None:
        self._period = period
        self._first = _hour(period.since)
        self._hours = _hour(period.until - timedelta.resolution) - self._first + 1
        self._levels: dict[str, _Level] = {}
        self._since: dict[str, datetime] = {}  # ticket -> when it came to its level
        self._tickets = self._opened = self._closed = self._refused = 0
        self._missed: Counter[tuple[str, str]] = Counter()
        self._raised: Counter[tuple[str, str, str, str]] = Counter()
        self._taken: Counter[tuple[str, int, str]] = Counter()
        self._notified: Counter[str] = Counter()
        self._mails: Counter[str] = Counter()
        self._people: Counter[str] = Counter()
        self._by_ladder: Counter[str] = Counter()

    def take(self, outcome: Outcome) -> None:
        if outcome.at >= self._period.since:
            self._refused += bool(outcome.refused)
            self._count(outcome)
        self._update_load(outcome.before, outcome.after, outcome.at, over=outcome.over)

    def _count(self, outcome: Outcome) -> None:
        ticket = outcome.after
        by_ladder = False
        if outcome.before is None:
            self._opened += 1
        for event in outcome.events:
            match event:
                case e.TargetMissed(target=target):
                    self._missed[target.value, ticket.priority] += 1
                case e.TicketEscalated(level=level):
                    self._raised[level, _how(event, by_ladder=by_ladder), ticket.rule, ticket.ladder] += 1
                case e.StepTaken(ladder=ladder, step=step, target=target):
                    by_ladder = True
                    self._taken[ladder, step + 1, target.value] += 1
                case e.ReminderDue():
                    by_ladder = True
                case e.PeopleNotified(recipients=whom, why=why):
                    self._count_mail(ticket, whom, why, by_ladder=by_ladder)
                case e.DecisionRequested(recipients=whom):
                    self._count_mail(ticket, whom, "decision", by_ladder=True)
                case e.TicketClosed():
                    self._closed += 1

    def _count_mail(self, ticket: Ticket, whom: tuple[str, ...], why: str, *, by_ladder: bool) -> None:
        why = PROGRESS if whom == (ticket.customer,) else why
        self._notified[why] += 1
        self._mails[why] += len(whom)
        if why != PROGRESS:
            self._people.update(whom)
            if by_ladder:
                self._by_ladder.update(whom)

    # --- load ---

    def _update_load(self, before: Ticket | None, after: Ticket, at: datetime, *, over: bool) -> None:
        was_in_hand = before is not None and _in_hand(before)
        is_in_hand = _in_hand(after) and not over
        if before is None:
            self._tickets += 1
        same_level = before is not None and before.level == after.level
        if was_in_hand and is_in_hand and same_level:
            return
        if before is not None and was_in_hand:
            since = self._since.pop(after.number, at)
            self._level(before.level).add(self._from_start(since), self._from_start(at))
        if is_in_hand:
            self._since[after.number] = at
        if not same_level and at >= self._period.since:
            self._level(after.level).came[_hour(at) - self._first] += 1

    def _level(self, name: str) -> "_Level":
        found = self._levels.get(name)
        if found is None:
            found = self._levels[name] = _Level(self._hours)
        return found

    def _from_start(self, at: datetime) -> int:
        """Return microseconds from the first hour to a moment, limited to the period."""
        inside = min(max(at, self._period.since), self._period.until)
        return (inside - EPOCH - self._first * HOUR) // timedelta.resolution

    def figures(self, levels: Iterable[str] = ()) -> Figures:
        """Return the figures. `levels` come in this order, other levels follow."""
        names = dict.fromkeys((*levels, *sorted(self._levels)))
        told = sorted(self._notified, key=lambda why: (-self._notified[why], why))
        people = sorted(self._people, key=lambda who: (-self._people[who], who))
        return Figures(
            tickets=self._tickets,
            opened=self._opened,
            closed=self._closed,
            missed=tuple(Missed(*key, count) for key, count in sorted(self._missed.items())),
            raised=tuple(Escalations(*key, count) for key, count in sorted(self._raised.items())),
            taken=tuple(StepsTaken(*key, count) for key, count in sorted(self._taken.items())),
            told=tuple(Notified(why, self._notified[why], self._mails[why]) for why in told),
            people=tuple(PersonMails(who, self._people[who], self._by_ladder[who]) for who in people),
            load=tuple(self._load(name) for name in names),
            refused=self._refused,
        )

    def _load(self, name: str) -> Load:
        zone, level = ZoneInfo(self._period.zone), self._level(name)
        held, length, came = [0] * 24, [0] * 24, [0] * 24
        peak, peak_at = 0.0, None
        for index, time_in_hand in enumerate(level.held()):
            begins = EPOCH + (self._first + index) * HOUR
            lasts = self._from_start(begins + HOUR) - self._from_start(begins)
            hour = begins.astimezone(zone).hour
            held[hour] += time_in_hand
            length[hour] += lasts
            came[hour] += level.came[index]
            if lasts and time_in_hand / lasts > peak:
                peak, peak_at = time_in_hand / lasts, begins
        means = (
            round(time_in_hand / lasts, 3) if lasts else 0.0
            for time_in_hand, lasts in zip(held, length, strict=True)
        )
        return Load(name, tuple(means), tuple(came), round(peak, 3), peak_at)


class _Level:
    """Time of tickets in each hour, in microseconds.

    Whole hours are stored as differences, so that a span costs the same for any length.
    """

    def __init__(self, hours: int) -> None:
        self.came = [0] * hours
        self._parts = [0] * (hours + 1)
        self._changes = [0] * (hours + 1)  # tickets more from this hour on

    def add(self, start: int, end: int) -> None:
        hour = HOUR // timedelta.resolution
        if end <= start:
            return
        first, last = start // hour, end // hour
        self._changes[first] += 1
        self._changes[last] -= 1
        self._parts[first] -= start - first * hour
        self._parts[last] += end - last * hour

    def held(self) -> list[int]:
        hour = HOUR // timedelta.resolution
        found, tickets = [], 0
        for change, part in zip(self._changes[:-1], self._parts[:-1], strict=True):
            tickets += change
            found.append(tickets * hour + part)
        return found


def _in_hand(ticket: Ticket) -> bool:
    return ticket.status in IN_HAND and not ticket.held_for


def _hour(at: datetime) -> int:
    return (at - EPOCH) // HOUR


def _how(event: Event, *, by_ladder: bool) -> str:
    if event.by != POLICY:
        return "by hand"
    return "ladder" if by_ladder else "nobody there"
