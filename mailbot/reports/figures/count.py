"""Facts of one period, counted: one ticket's after the other's, in any order."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
from mailbot.reports.figures.keys import Key, keys_of
from mailbot.reports.figures.period import Period

HOW = ("automatic", "manual")  # of escalations


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
    """Counts the facts of one period and the tickets' state at its end, and keeps whose they were.

    `tickets`: for each key the number of the ticket of each fact that counts under it, see `keys`.
    """

    def __init__(self, period: Period) -> None:
        self._period = period
        self.tickets: dict[Key, list[str]] = defaultdict(list)
        self._spans = {
            name: _Spans() for name in ("first_response", "next_response", "resolution", "confirmation")
        }
        self._acknowledged: list[timedelta] = []
        self._acknowledgements = 0

    def add(self, number: str, fact: f.Fact) -> None:
        """Count a fact of a ticket."""
        for key in keys_of(fact, self._period):
            self.tickets[key].append(number)
        match fact:
            case f.Left(how="closed"):
                self._spans["resolution"].add(fact.wall, fact.work)
            case f.Answered() if fact.which != "more":
                self._spans[f"{fact.which}_response"].add(fact.wall, fact.work)
            case f.Confirmed():
                self._spans["confirmation"].add(fact.wall, fact.work)

    def take_back(self, number: str, fact: f.Scored) -> None:
        """Take a mark back that a newer one of the same ticket replaces."""
        for key in keys_of(fact, self._period):
            self.tickets[key].remove(number)

    def acknowledged(self, received_at: datetime, left_at: datetime | None) -> None:
        """Count an acknowledgement of a mail, and when the relay took it (None: not yet, or never)."""
        if received_at in self._period:
            self._acknowledgements += 1
            if left_at is not None:
                self._acknowledged.append(left_at - received_at)

    def _count(self, *key: str) -> int:
        return len(self.tickets.get(key, ()))

    def _below(self, *key: str) -> list[Key]:
        """List the keys one word longer than this one, without it."""
        size = len(key)
        return sorted(each[size:] for each in self.tickets if each[:size] == key and len(each) == size + 1)

    def _by(self, *key: str) -> tuple[tuple[str, int], ...]:
        """Return the counts of the keys one word longer than this one, the highest first."""
        counts = ((name, self._count(*key, name)) for (name,) in self._below(*key))
        return tuple(sorted(counts, key=lambda each: (-each[1], each[0])))

    def figures(self) -> Figures:
        """Return the figures of all that was added."""
        plain = (
            *("opened", "closed", "merged", "reopened", "returned", "gone", "undone", "answers", "filed"),
            *("incidents", "confirmed", "unconfirmed"),
        )
        timings = {name: spans.timing() for name, spans in self._spans.items()}
        values: dict[str, Any] = timings | {name: self._count(name) for name in plain}
        return Figures(
            period=self._period,
            **values,
            acknowledgement=spread(self._acknowledged),
            acknowledgements=self._acknowledgements,
            promises=self._kept(),
            satisfaction=self._satisfaction(),
            channels=self._by("opened", "channel"),
            closing_causes=self._by("closed", "cause"),
            escalations=self._escalations(),
            confusions=self._confusions(),
            category_right=self._category_right(),
            days=tuple(
                Day(day, *(self._count(name, "day", str(day)) for name in ("opened", "closed")))
                for day in self._period.days()
            ),
            teams=self._teams(),
            agents=self._agents(),
        )

    def _satisfaction(self) -> Satisfaction:
        parts = [
            MarksOf(kind, name, self._marks("marks", kind, name))
            for kind in sorted(MARKS_BY)
            for (name,) in self._below("marks", kind)
            if self._count("marks", kind, name)
        ]
        totals = self._count("closed tickets"), self._count("rated")
        return Satisfaction(self._marks("mark").marks, *totals, tuple(parts))

    def _marks(self, *key: str) -> Marks:
        return Marks(tuple(self._count(*key, str(score)) for score in range(1, 6)))

    def _kept(self) -> tuple[Kept, ...]:
        found = {key[1:] for key in self.tickets if key[0] in ("kept", "missed") and len(key) == 3}
        order = list(Target).index
        named = sorted(
            ((Target(target), priority) for target, priority in found),
            key=lambda each: (order(each[0]), each[1]),
        )
        return tuple(Kept(*each, self._count("kept", *each), self._count("missed", *each)) for each in named)

    def _escalations(self) -> tuple[Raised, ...]:
        named = {key[2:4] for key in self.tickets if key[:2] == ("escalated", "rule")}
        found = (
            Raised(rule, level, *(self._count("escalated", "rule", rule, level, how) for how in HOW))
            for rule, level in named
        )
        return tuple(sorted(found, key=lambda each: (-each.automatic - each.manual, each.rule, each.level)))

    def _judged(self) -> dict[Key, int]:
        return {key[1:]: len(found) for key, found in self.tickets.items() if key[0] == "judged" and key[1:]}

    def _category_right(self) -> float | None:
        """Return None where nobody corrected anything: then nobody may have looked."""
        judged = self._judged()
        right = sum(count for (chosen, settled), count in judged.items() if chosen == settled)
        return None if right == sum(judged.values()) else right / sum(judged.values())

    def _confusions(self) -> tuple[Confusion, ...]:
        judged = self._judged()
        whole: Counter[str] = Counter()
        for (_, settled), count in judged.items():
            whole[settled] += count
        wrong = (
            Confusion(chosen, settled, count, whole[settled])
            for (chosen, settled), count in judged.items()
            if chosen != settled
        )
        return tuple(sorted(wrong, key=lambda each: (-each.count, each.settled, each.chosen)))

    def _teams(self) -> tuple[TeamLoad, ...]:
        names = ("opened", "received", "closed", "escalated")
        found = {key[2] for key in self.tickets if key[1:2] == ("team",) and key[0] in (*names, "open")}
        return tuple(
            TeamLoad(
                team=team,
                **{name: self._count(name, "team", team) for name in names},
                ages=tuple(self._count("open", "age", team, str(index)) for index in range(len(AGES) + 1)),
            )
            for team in sorted(found)
        )

    def _agents(self) -> tuple[AgentLoad, ...]:
        names = ("answers", "closed", "open")
        found = {key[2] for key in self.tickets if key[1:2] == ("agent",)}
        return tuple(
            AgentLoad(agent, *(self._count(name, "agent", agent) for name in names))
            for agent in sorted(found)
        )
