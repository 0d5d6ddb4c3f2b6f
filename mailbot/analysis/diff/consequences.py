"""Count what a change of policy means: priorities, teams, promises to customers, mail outside office hours.

Each mail is given with its placement by both policies, in any order.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mailbot.analysis.diff.off_hours import OffHours, PersonMails
from mailbot.domain.ladder import after_span
from mailbot.domain.model import Target
from mailbot.domain.policy import Ladder, Policy
from mailbot.domain.policy_review.policy_diff import Case, Placement
from mailbot.domain.routing.conditions import PRIORITIES
from mailbot.domain.worktime import Calendar, is_open

WEEK = timedelta(days=7)
PROMISES = (Target.FIRST_RESPONSE, Target.RESOLUTION)  # that begin with the mail


@dataclass(frozen=True, slots=True)
class PriorityShift:
    """Mails that get a priority (`gained`, `off_hours` of them outside office hours) or lose it."""

    priority: str
    gained: int
    off_hours: int
    lost: int


@dataclass(frozen=True, slots=True)
class Share:
    """Mails that go to a team, or begin at a level."""

    name: str
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class PromiseShift:
    """Mails whose promise ends at another time. A span is None where the ladder promises nothing.

    The calendars are "" where both are the same.
    """

    target: str
    sooner: bool
    old: timedelta | None
    new: timedelta | None
    old_calendar: str
    new_calendar: str
    count: int


@dataclass(frozen=True, slots=True)
class Consequences:
    """`since` and `until` are the times between which the mails came. Values without a difference are left out.

    `people` get other numbers of mails outside office hours. `steps` names ladders whose steps differ.
    """

    mails: int
    since: datetime | None
    until: datetime | None
    priorities: tuple[PriorityShift, ...]
    teams: tuple[Share, ...]
    levels: tuple[Share, ...]
    promises: tuple[PromiseShift, ...]
    people: tuple[PersonMails, ...]
    steps: tuple[str, ...]

    @property
    def weeks(self) -> float:
        """Return the length of the time in weeks."""
        return (self.until - self.since) / WEEK if self.since and self.until else 0.0


class ConsequenceCounter:
    """Counts mail by mail. `since` and `until`: the period asked for, else that of the mails."""

    def __init__(
        self, old: Policy, new: Policy, since: datetime | None = None, until: datetime | None = None
    ) -> None:
        self._old, self._new = old, new
        self._office = next(iter(new.calendars.values()))
        self._period, self._since, self._until = (since, until), since, until
        self._mails = 0
        self._teams, self._levels = _Shares(), _Shares()
        self._gained: Counter[str] = Counter()
        self._off_hours: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._promises: Counter[PromiseShift] = Counter()  # each with the count 0
        self._people = OffHours(old, new, self._office)

    def take(self, case: Case, old: Placement, new: Placement) -> None:
        """Count one mail."""
        self._mails += 1
        self._since, self._until = min(self._since or case.at, case.at), max(self._until or case.at, case.at)
        for shares, name in ((self._teams, "team"), (self._levels, "level")):
            shares.add(_text(old, name), _text(new, name))
        closed = not is_open(self._office, case.at)
        before, after = _text(old, "priority"), _text(new, "priority")
        if before != after:
            self._lost[before] += 1
            self._gained[after] += 1
            self._off_hours[after] += closed
        self._count_promises(case.at, old, new)
        if closed:
            self._people.add(case, old, new)

    def _count_promises(self, at: datetime, old: Placement, new: Placement) -> None:
        before, after = _terms(self._old, old), _terms(self._new, new)
        if before is None or after is None or before == after:
            return
        for target in PROMISES:
            was, now = (_due_at(terms, target, at) for terms in (before, after))
            if was != now:
                sooner = now is not None and (was is None or now < was)
                self._promises[_promise_shift(target, before, after, sooner=sooner)] += 1

    def result(self) -> Consequences:
        priorities = [
            PriorityShift(name, self._gained[name], self._off_hours[name], self._lost[name])
            for name in reversed(PRIORITIES)
            if self._gained[name] or self._lost[name]
        ]
        return Consequences(
            self._mails,
            self._since,
            self._until,
            tuple(priorities),
            self._teams.changed(self._new.teams),
            self._levels.changed(self._new.levels),
            tuple(replace(shift, count=count) for shift, count in self._promises.most_common()),
            self._people.result(),
            tuple(
                name
                for name, ladder in self._new.ladders.items()
                if (was := self._old.ladders.get(name)) and was.steps != ladder.steps
            ),
        )


class _Shares:
    """Counts a value before and after."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, old: str, new: str) -> None:
        self._counts[old, new] += 1

    def changed(self, order: Iterable[str]) -> tuple[Share, ...]:
        old: Counter[str] = Counter()
        new: Counter[str] = Counter()
        for (before, after), count in self._counts.items():
            old[before] += count
            new[after] += count
        names = dict.fromkeys((*order, *old, *new))
        return tuple(Share(name, old[name], new[name]) for name in names if old[name] != new[name])


_Terms = tuple[Ladder, Calendar]


def _terms(policy: Policy, placement: Placement) -> _Terms | None:
    """Return the ladder and the work hours that a promise follows from; None where this policy lacks one."""
    ladder, team = policy.ladders.get(_text(placement, "ladder")), policy.teams.get(_text(placement, "team"))
    return (ladder, policy.calendars[team.calendar]) if ladder and team else None


def _due_at(terms: _Terms, target: Target, at: datetime) -> datetime | None:
    ladder, calendar = terms
    span = ladder.targets.get(target)
    return after_span(calendar, at, span) if span is not None else None


def _promise_shift(target: Target, old: _Terms, new: _Terms, *, sooner: bool) -> PromiseShift:
    spans = old[0].targets.get(target), new[0].targets.get(target)
    hours = ("", "") if old[1].name == new[1].name else (old[1].name, new[1].name)
    return PromiseShift(target.value, sooner, *spans, *hours, 0)


def _text(placement: Placement, name: str) -> str:
    return str(placement.values[name])
