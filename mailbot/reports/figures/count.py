"""Facts of one period, counted: one ticket's after the other's, in any order."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from mailbot.domain.model import Target
from mailbot.reports.figures import facts as f
from mailbot.reports.figures.figures import (
    AGES,
    MARKS_BY,
    AgentLoad,
    Confusion,
    Day,
    Figures,
    Kept,
    Marks,
    MarksOf,
    Raised,
    Satisfaction,
    TeamLoad,
    Timing,
    spread,
)
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
    """Counts the facts of one period and the tickets' state at its end. Only the spans grow with them."""

    def __init__(self, period: Period) -> None:
        self._period = period
        self._counts: Counter[str] = Counter()
        self._spans = {
            name: _Spans() for name in ("first_response", "next_response", "resolution", "confirmation")
        }
        self._promises: Counter[tuple[Target, str, bool]] = Counter()
        self._marks: Counter[tuple[tuple[str, str, str], int]] = Counter()  # by team, rule and level
        self._judged: Counter[tuple[str, str]] = Counter()  # (category chosen, settled on)
        self._causes: Counter[str] = Counter()  # of closings, "" without one
        self._raised: Counter[tuple[str, str, bool]] = Counter()
        self._days: dict[date, Counter[str]] = defaultdict(Counter)
        self._teams: dict[str, Counter[str]] = defaultdict(Counter)
        self._agents: dict[str, Counter[str]] = defaultdict(Counter)
        self._ages: dict[str, Counter[int]] = defaultdict(Counter)
        self._acknowledged: list[timedelta] = []

    def add(self, fact: f.Fact) -> None:
        match fact:
            case f.Stood():
                self._stood(fact)
            case f.Opened():
                self._counts["opened"] += 1
                self._teams[fact.team]["opened"] += 1
                self._days[self._period.day_of(fact.at)]["opened"] += 1
            case f.Judged():
                self._judged[fact.chosen, fact.settled] += 1
            case f.Filed():
                self._counts["filed"] += 1
            case f.IncidentBegan():
                self._counts["incidents"] += 1
            case f.Left():
                self._left(fact)
            case f.Returned(how=how):
                self._counts["reopened" if how == "reopened" else "returned"] += 1
            case f.Answered():
                self._counts["answers"] += 1
                self._agents[fact.agent]["answers"] += 1
                if fact.which != "more":
                    self._spans[f"{fact.which}_response"].add(fact.wall, fact.work)
            case f.Promised():
                self._promises[fact.target, fact.priority, fact.kept] += 1
            case f.Confirmed():
                self._counts["confirmed" if fact.kept else "unconfirmed"] += 1
                self._spans["confirmation"].add(fact.wall, fact.work)
            case f.Escalated():
                self._raised[fact.rule, fact.level, fact.manual] += 1
                self._teams[fact.team]["escalated"] += 1
            case f.HandedOver():
                self._teams[fact.team]["received"] += 1
            case f.Scored():
                self._marks[(fact.team, fact.rule, fact.level), fact.score] += 1

    def take_back(self, fact: f.Scored) -> None:
        """Take a mark back that a newer one of the same ticket replaces."""
        self._marks[(fact.team, fact.rule, fact.level), fact.score] -= 1

    def acknowledged(self, received_at: datetime, left_at: datetime | None) -> None:
        """Count an acknowledgement of a mail, and when the relay took it (None: not yet, or never)."""
        if received_at in self._period:
            self._counts["acknowledgements"] += 1
            if left_at is not None:
                self._acknowledged.append(left_at - received_at)

    def _stood(self, fact: f.Stood) -> None:
        self._counts["undone"] += fact.undone
        self._counts["closed tickets"] += fact.closings > 0
        self._counts["rated"] += fact.rated
        if fact.is_open:
            days = (fact.at - fact.began) / timedelta(days=1)
            self._ages[fact.team][sum(days >= limit for limit in AGES)] += 1
            if fact.assignee:
                self._agents[fact.assignee]["open"] += 1

    def _left(self, fact: f.Left) -> None:
        self._counts["gone" if fact.how == "rebuilt" else fact.how] += 1
        if fact.how == "closed":
            self._teams[fact.team]["closed"] += 1
            self._days[self._period.day_of(fact.at)]["closed"] += 1
            self._spans["resolution"].add(fact.wall, fact.work)
            self._causes[fact.cause] += 1
            if fact.assignee:
                self._agents[fact.assignee]["closed"] += 1

    def figures(self) -> Figures:
        counts = self._counts
        plain = (
            *("opened", "closed", "merged", "reopened", "returned", "gone", "undone", "answers", "filed"),
            "incidents",
            *("confirmed", "unconfirmed", "acknowledgements"),
        )
        timings = {name: spans.timing() for name, spans in self._spans.items()}
        values: dict[str, Any] = timings | {name: counts[name] for name in plain}
        return Figures(
            period=self._period,
            **values,
            acknowledgement=spread(self._acknowledged),
            promises=self._kept(),
            satisfaction=self._satisfaction(),
            closing_causes=tuple(sorted(self._causes.items(), key=lambda each: (-each[1], each[0]))),
            escalations=self._escalations(),
            confusions=self._confusions(),
            category_right=self._category_right(),
            days=tuple(Day(day, *_named(self._days[day], "opened", "closed")) for day in self._period.days()),
            teams=tuple(self._team_load(team) for team in sorted({*self._teams, *self._ages})),
            agents=tuple(
                AgentLoad(agent, *_named(counts, "answers", "closed", "open"))
                for agent, counts in sorted(self._agents.items())
            ),
        )

    def _satisfaction(self) -> Satisfaction:
        counted = [0] * 5
        parts: dict[tuple[str, str], list[int]] = {}
        for (names, score), count in self._marks.items():
            counted[score - 1] += count
            for kind, name in zip(MARKS_BY, names, strict=True):
                parts.setdefault((kind, name), [0] * 5)[score - 1] += count
        return Satisfaction(
            tuple(counted),
            self._counts["closed tickets"],
            self._counts["rated"],
            tuple(MarksOf(*key, Marks(tuple(marks))) for key, marks in sorted(parts.items()) if any(marks)),
        )

    def _kept(self) -> tuple[Kept, ...]:
        order, found = list(Target).index, {(target, priority) for target, priority, _ in self._promises}
        named = sorted(found, key=lambda each: (order(each[0]), each[1]))
        return tuple(Kept(*each, self._promises[*each, True], self._promises[*each, False]) for each in named)

    def _escalations(self) -> tuple[Raised, ...]:
        named = {(rule, level) for rule, level, _ in self._raised}
        found = (Raised(*each, self._raised[*each, False], self._raised[*each, True]) for each in named)
        return tuple(sorted(found, key=lambda each: (-each.automatic - each.manual, each.rule, each.level)))

    def _category_right(self) -> float | None:
        """Return None where nobody corrected anything: then nobody may have looked."""
        right = sum(count for (chosen, settled), count in self._judged.items() if chosen == settled)
        return None if right == self._judged.total() else right / self._judged.total()

    def _confusions(self) -> tuple[Confusion, ...]:
        whole: Counter[str] = Counter()
        for (_, settled), count in self._judged.items():
            whole[settled] += count
        found = (Confusion(*each, count, whole[each[1]]) for each, count in self._judged.items())
        wrong = (each for each in found if each.chosen != each.settled)
        return tuple(sorted(wrong, key=lambda each: (-each.count, each.settled, each.chosen)))

    def _team_load(self, team: str) -> TeamLoad:
        ages = tuple(self._ages[team][index] for index in range(len(AGES) + 1))
        names = ("opened", "received", "closed", "escalated")
        return TeamLoad(team=team, **{name: self._teams[team][name] for name in names}, ages=ages)


def _named(counts: Counter[str], *names: str) -> tuple[int, ...]:
    return tuple(counts[name] for name in names)
