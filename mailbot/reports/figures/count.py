"""Facts of one period, counted: one ticket's after the other's, in any order."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from mailbot.domain.model import Target
from mailbot.reports.figures.facts import (
    Answered,
    Confirmed,
    Escalated,
    Fact,
    HandedOver,
    Left,
    Opened,
    Promised,
    Returned,
    Scored,
    Stood,
)
from mailbot.reports.figures.figures import (
    AGES,
    AgentLoad,
    Day,
    Figures,
    Kept,
    Raised,
    Satisfaction,
    TeamLoad,
    Timing,
)
from mailbot.reports.figures.percentiles import spread
from mailbot.reports.figures.period import Period


@dataclass(slots=True)
class _Spans:
    wall: list[timedelta] = field(default_factory=list)
    work: list[timedelta] = field(default_factory=list)

    def add(self, wall: timedelta | None, work: timedelta | None) -> None:
        if wall is not None and work is not None:
            self.wall.append(wall)
            self.work.append(work)

    def timing(self) -> Timing:
        return Timing(spread(self.wall), spread(self.work))


class Tally:
    """Counts the facts of one period and of the tickets' state at its end. Only the spans grow with the
    tickets.
    """

    def __init__(self, period: Period) -> None:
        self._period = period
        self._counts: Counter[str] = Counter()
        self._spans = {name: _Spans() for name in ("first", "next", "resolution", "confirmation")}
        self._promises: Counter[tuple[Target, str, bool]] = Counter()
        self._marks: Counter[int] = Counter()
        self._raised: Counter[tuple[str, str, bool]] = Counter()
        self._days: dict[date, Counter[str]] = defaultdict(Counter)
        self._teams: dict[str, Counter[str]] = defaultdict(Counter)
        self._agents: dict[str, Counter[str]] = defaultdict(Counter)
        self._ages: dict[str, Counter[int]] = defaultdict(Counter)
        self._acknowledged: list[timedelta] = []

    def add(self, fact: Fact) -> None:
        match fact:
            case Stood():
                self._stood(fact)
            case Opened():
                self._counts["opened"] += 1
                self._teams[fact.team]["opened"] += 1
                self._days[self._period.day_of(fact.at)]["opened"] += 1
            case Left():
                self._left(fact)
            case Returned(how=how):
                self._counts["reopened" if how == "reopened" else "returned"] += 1
            case Answered():
                self._counts["answers"] += 1
                self._agents[fact.agent]["answers"] += 1
                if fact.which in self._spans:
                    self._spans[fact.which].add(fact.wall, fact.work)
            case Promised():
                self._promises[fact.target, fact.priority, fact.kept] += 1
            case Confirmed():
                self._counts["confirmed" if fact.kept else "unconfirmed"] += 1
                self._spans["confirmation"].add(fact.wall, fact.work)
            case Escalated():
                self._raised[fact.rule, fact.level, fact.manual] += 1
                self._teams[fact.team]["escalated"] += 1
            case HandedOver():
                self._teams[fact.team]["received"] += 1
            case Scored():
                self._marks[fact.score] += 1

    def acknowledged(self, received_at: datetime, left_at: datetime | None) -> None:
        """Count an acknowledgement of a mail, and when the relay took it (None: not yet, or never)."""
        if received_at in self._period:
            self._counts["acknowledgements"] += 1
            if left_at is not None:
                self._acknowledged.append(left_at - received_at)

    def _stood(self, fact: Stood) -> None:
        self._counts["undone"] += fact.undone
        self._counts["closed tickets"] += fact.closings > 0
        self._counts["rated"] += fact.rated
        if fact.is_open:
            days = (fact.at - fact.began) / timedelta(days=1)
            self._ages[fact.team][sum(days >= limit for limit in AGES)] += 1
            if fact.assignee:
                self._agents[fact.assignee]["open"] += 1

    def _left(self, fact: Left) -> None:
        self._counts["gone" if fact.how == "rebuilt" else fact.how] += 1
        if fact.how == "closed":
            self._teams[fact.team]["closed"] += 1
            self._days[self._period.day_of(fact.at)]["closed"] += 1
            self._spans["resolution"].add(fact.wall, fact.work)
            if fact.assignee:
                self._agents[fact.assignee]["closed"] += 1

    def figures(self) -> Figures:
        counts, spans = self._counts, self._spans
        plain = ("opened", "closed", "merged", "reopened", "returned", "gone", "undone", "answers")
        marks = [self._marks[mark] for mark in range(1, 6)]
        return Figures(
            period=self._period,
            **{name: counts[name] for name in (*plain, "confirmed", "unconfirmed", "acknowledgements")},
            first_response=spans["first"].timing(),
            next_response=spans["next"].timing(),
            resolution=spans["resolution"].timing(),
            confirmation=spans["confirmation"].timing(),
            acknowledgement=spread(self._acknowledged),
            promises=self._kept(),
            satisfaction=Satisfaction(
                (marks[0], marks[1], marks[2], marks[3], marks[4]), counts["closed tickets"], counts["rated"]
            ),
            escalations=self._escalations(),
            days=tuple(
                Day(day, self._days[day]["opened"], self._days[day]["closed"]) for day in self._period.days()
            ),
            teams=self._team_loads(),
            agents=tuple(
                AgentLoad(agent, each["answers"], each["closed"], each["open"])
                for agent, each in sorted(self._agents.items())
            ),
        )

    def _kept(self) -> tuple[Kept, ...]:
        named = sorted({(target, priority) for target, priority, _ in self._promises}, key=_order)
        return tuple(
            Kept(
                target,
                priority,
                self._promises[target, priority, True],
                self._promises[target, priority, False],
            )
            for target, priority in named
        )

    def _escalations(self) -> tuple[Raised, ...]:
        found = (
            Raised(rule, level, self._raised[rule, level, False], self._raised[rule, level, True])
            for rule, level in {(rule, level) for rule, level, _ in self._raised}
        )
        return tuple(sorted(found, key=lambda each: (-each.automatic - each.manual, each.rule, each.level)))

    def _team_loads(self) -> tuple[TeamLoad, ...]:
        return tuple(self._team_load(team) for team in sorted({*self._teams, *self._ages}))

    def _team_load(self, team: str) -> TeamLoad:
        counts, ages = self._teams[team], self._ages[team]
        return TeamLoad(
            team=team,
            opened=counts["opened"],
            received=counts["received"],
            closed=counts["closed"],
            escalated=counts["escalated"],
            ages=tuple(ages[index] for index in range(len(AGES) + 1)),
        )


def _order(named: tuple[Target, str]) -> tuple[int, str]:
    return list(Target).index(named[0]), named[1]
