"""The figures of one period, with their definitions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from mailbot.domain.model import Target
from mailbot.reports.figures.period import Period

# A ticket's age: younger than this many days; the last class has no end.
AGES = (1, 3, 7, 14, 30)
SATISFIED = 4  # this mark and above


@dataclass(frozen=True, slots=True)
class Spread:
    """How `count` spans are distributed; None without spans.

    `median` and `p90` are quantiles by linear interpolation between the two nearest spans. This is type 7 of
    Hyndman and Fan ("Sample Quantiles in Statistical Packages", 1996), the PERCENTILE.INC of spreadsheets.
    """

    count: int = 0
    mean: timedelta | None = None
    median: timedelta | None = None
    p90: timedelta | None = None


def spread(spans: Iterable[timedelta]) -> Spread:
    ordered = sorted(spans)
    if not ordered:
        return Spread()
    mean = sum(ordered, timedelta()) / len(ordered)
    return Spread(len(ordered), mean, quantile(ordered, 0.5), quantile(ordered, 0.9))


def quantile(ordered: list[timedelta], share: float) -> timedelta:
    """Compute a quantile of spans in ascending order, at least one."""
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def share(part: int, whole: int) -> float | None:
    """Return `part` of `whole`, 0 to 1; None of nothing."""
    return part / whole if whole else None


@dataclass(frozen=True, slots=True)
class Timing:
    """`wall`: by the clock on the wall. `work`: work time of the team while it was our turn."""

    wall: Spread = Spread()
    work: Spread = Spread()


@dataclass(frozen=True, slots=True)
class Kept:
    """Promises of one target and priority that came to their end in the period: see `facts.Promised`."""

    target: Target
    priority: str
    kept: int
    missed: int

    @property
    def share(self) -> float | None:
        return share(self.kept, self.kept + self.missed)


MARKS_BY = ("team", "rule", "level")


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks given in the period, from 1 to 5: the newest of each ticket."""

    marks: tuple[int, ...] = (0, 0, 0, 0, 0)

    @property
    def count(self) -> int:
        return sum(self.marks)

    @property
    def mean(self) -> float | None:
        return share(sum(mark * count for mark, count in enumerate(self.marks, 1)), self.count)

    @property
    def satisfied(self) -> float | None:
        """Return the share of marks that are SATISFIED or better (the usual CSAT)."""
        return share(sum(self.marks[SATISFIED - 1 :]), self.count)


@dataclass(frozen=True, slots=True)
class MarksOf:
    """The marks of tickets that a team had, that came by a rule, or that stood at a level (`kind`) then."""

    kind: str  # one of MARKS_BY
    name: str
    marks: Marks


@dataclass(frozen=True, slots=True)
class Satisfaction(Marks):
    """`closed` tickets were closed in the period, `rated` of these have a mark by its end, whenever it was given."""

    closed: int = 0
    rated: int = 0
    parts: tuple[MarksOf, ...] = ()

    @property
    def response_rate(self) -> float | None:
        return share(self.rated, self.closed)


@dataclass(frozen=True, slots=True)
class Raised:
    """Escalations to `level` of tickets that came by `rule`: by the ladder, by a person."""

    rule: str
    level: str
    automatic: int
    manual: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """Rules chose one category, people settled on another: `count` of the `whole` that belonged there."""

    chosen: str
    settled: str
    count: int
    whole: int

    @property
    def share(self) -> float | None:
        return share(self.count, self.whole)


@dataclass(frozen=True, slots=True)
class Day:
    """`opened` and `closed` on one local date (or the part of it that lies in the period)."""

    date: date
    opened: int
    closed: int


@dataclass(frozen=True, slots=True)
class TeamLoad:
    """`opened` there, `received` from other teams, `closed`, `escalated` by it; `ages` of those open at the
    end, by AGES."""

    team: str
    opened: int
    received: int
    closed: int
    escalated: int
    ages: tuple[int, ...]

    @property
    def open_at_end(self) -> int:
        return sum(self.ages)


@dataclass(frozen=True, slots=True)
class AgentLoad:
    """`answers` sent, tickets `closed` while they were this agent's, tickets `open_at_end`."""

    agent: str
    answers: int
    closed: int
    open_at_end: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one period, of all teams or of one.

    - `opened`: new tickets: by mail, split off, or released from being held (held ones count nowhere before).
    - `closed`: closings. A ticket closed twice counts twice, each time with the whole time since it began.
    - `merged`: open tickets that were merged into another. `reopened`: closed tickets opened again.
    - `returned`: tickets open again by unmerging or moving messages; `gone`: tickets ended by that.
    - Open at the end = open at the beginning + opened + reopened + returned - closed - merged - gone.
    - `undone`: closings that were undone before the period's end; `reopen_rate` is their share.
    - `first_response`, `next_response`, `resolution`: of answers and closings in the period, see `facts`.
    - `confirmation`: how soon new owners acted after an escalation that asked for it; `confirmed` in time,
      `unconfirmed` not.
    - `answers`: all answers of agents. `filed`: machines' mails about no ticket of ours. `incidents`:
      how often many similar complaints became one.
    - `acknowledgement`: from receipt of a mail until the relay took its acknowledgement, for mails of the
      period; `acknowledged` of `acknowledgements` were sent.
    - `category_right`: of the tickets that came, the share whose category nobody corrected (see
      `policy_review.settled`); None without any correction. `confusions`: the others, most frequent first.
    - `channels`: opened tickets by channel, the most frequent first.
    - `closing_causes`: closings by cause, the most frequent first, under "" those without one.
    """

    period: Period
    opened: int = 0
    closed: int = 0
    merged: int = 0
    reopened: int = 0
    returned: int = 0
    gone: int = 0
    undone: int = 0
    answers: int = 0
    filed: int = 0
    incidents: int = 0
    first_response: Timing = Timing()
    next_response: Timing = Timing()
    resolution: Timing = Timing()
    confirmation: Timing = Timing()
    confirmed: int = 0
    unconfirmed: int = 0
    acknowledgement: Spread = Spread()
    acknowledgements: int = 0
    promises: tuple[Kept, ...] = ()
    satisfaction: Satisfaction = Satisfaction()
    channels: tuple[tuple[str, int], ...] = ()
    closing_causes: tuple[tuple[str, int], ...] = ()
    escalations: tuple[Raised, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    category_right: float | None = None
    days: tuple[Day, ...] = ()
    teams: tuple[TeamLoad, ...] = ()
    agents: tuple[AgentLoad, ...] = ()

    @property
    def reopen_rate(self) -> float | None:
        return share(self.undone, self.closed)

    @property
    def open_at_end(self) -> int:
        """Count the tickets open at the end: not closed, not merged, not held."""
        return sum(each.open_at_end for each in self.teams)

    @property
    def escalated(self) -> int:
        return sum(each.automatic + each.manual for each in self.escalations)

    def kept(self, target: Target) -> Kept:
        """Add up a target over all priorities."""
        mine = [each for each in self.promises if each.target is target]
        return Kept(target, "", sum(each.kept for each in mine), sum(each.missed for each in mine))

    @property
    def kept_share(self) -> float | None:
        """Return the share of targets met, of all towards customers."""
        kept = sum(each.kept for each in self.promises)
        return share(kept, kept + sum(each.missed for each in self.promises))
