"""What the figures shall reach, for two cores that the generator shares. Nothing fails when one is missed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench.figures import Part, shown

POSTFIX = "postfix"


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure of at least `least`, or at most `most`, in the best of `columns`; times that of `of` if given."""

    part: str
    figure: str
    least: float | None = None
    most: float | None = None
    of: str | None = None
    columns: tuple[str, ...] = ("sqlite",)

    def judge(self, parts: Mapping[str, Part]) -> dict[str, Any] | None:
        """Return goal, value and whether it is met; None where it was not measured."""
        part = parts.get(self.part)
        values = [self._value(part, column) for column in self.columns] if part else []
        known = [value for value in values if value is not None]
        if not known:
            return None
        value = max(known) if self.least is not None else min(known)
        return {
            "goal": str(self),
            "value": round(value, 4),
            "shown": self.shown(value),
            "met": self.met(value),
        }

    def met(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def shown(self, value: float) -> str:
        return f"{value:.2f} x" if self.of else shown(value)

    def _value(self, part: Part, column: str) -> float | None:
        value = part.median(column, self.figure)
        if value is None or self.of is None:
            return value
        base = part.median(self.of, self.figure)
        return value / base if base else None

    def __str__(self) -> str:
        sign, bound = ("at least", self.least) if self.least is not None else ("at most", self.most or 0)
        times = f" x {self.of.capitalize()}" if self.of else ""
        return f"{self.part}, {' or '.join(self.columns)}: {self.figure} {sign} {shown(bound)}{times}"


SEVERAL = ("sqlite-2", "postgres-2")
GOALS = (
    Goal("new", "acknowledged (/s)", least=0.8, of=POSTFIX),
    Goal("new", "acknowledged (/s)", least=1.2, of=POSTFIX, columns=SEVERAL),
    Goal("new", "CPU a mail (ms)", most=1.0, of=POSTFIX),
    Goal("new", "memory at rest (MB)", most=120),
    Goal("new", "memory at most (MB)", most=200),
    Goal("steady50", "CPU a mail (ms)", most=1.5, of=POSTFIX),
    Goal("steady50", "acknowledgement p50 (ms)", most=3, of=POSTFIX),
    Goal("steady50", "acknowledgement p99 (ms)", most=25),
    Goal("steady200", "acknowledgement p99 (ms)", most=100),
    Goal("burst", "last acknowledgement / accepting", most=1.3),
    Goal("fsync", "lost with 5 ms (%)", most=20),
    Goal("fsync", "lost with 10 ms (%)", most=20),
    Goal("memory", "growth from 10,000 to 50,000 (MB)", most=10),
    Goal("start", "first 250, empty store (s)", most=1),
    Goal("start", "first 250, again (s)", most=1),
    *(
        Goal("commands", f"{name}, CPU (s)", most=0.35)
        for name in ("ticket list", "ticket show NUMBER", "status")
    ),
    Goal("search", "a search p99 (ms)", most=50),
    Goal("import", "first run (s)", most=600, columns=("records", "mbox")),
    Goal("scale", "mailbot report --since 365d, time (s)", most=10, columns=("100,000",)),
    Goal("scale", "a turn, 500 due, CPU (ms)", most=100, columns=("1,000,000", "100,000")),
    Goal("deadlines", "a turn, nothing due (ms)", most=1),
    Goal("deadlines", "a turn, 500 due (ms)", most=100),
    Goal("deadlines", "lateness p99 (ms)", most=1000),
    Goal("rules", "contains: 10,000 / 10", most=2),
    Goal("rules", "mentions: 10,000 / 10", most=2),
    Goal("rules", "matches: 10,000 / 10", most=2),
    Goal("worktime", "all of them (us each)", most=5),
    Goal("replay", "live against another (s)", most=60),
    Goal("simulate", "reproduced (s)", most=300),
    Goal("simulate", "two policies beside each other (s)", most=300),
)


def judge(parts: Sequence[Part]) -> list[dict[str, Any]]:
    named = {part.name: part for part in parts}
    return [verdict for goal in GOALS if (verdict := goal.judge(named))]


def table(verdicts: Sequence[Mapping[str, Any]]) -> str:
    lines = (
        f"    {'yes' if verdict['met'] else 'NO ':3}  {verdict['goal']}: {verdict['shown']}"
        for verdict in verdicts
    )
    return "\n".join(["goals:", *lines])
