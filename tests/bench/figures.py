"""The figures of a run, the goals for them, and the table for people."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Measures = Mapping[str, float]  # "CPU a mail (ms)": 1.9


@dataclass(frozen=True, slots=True)
class Run:
    """`faults` must all be 0; anything else is a broken promise, whatever the speed."""

    measures: Measures
    faults: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Goal:
    """A value of at least `least`, or at most `most`."""

    least: float | None = None
    most: float | None = None

    def met(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        return f">= {shown(self.least)}" if self.least is not None else f"<= {shown(self.most or 0)}"


# For two cores that the generator shares. Part -> figure -> goal.
GOALS: Mapping[str, Mapping[str, Goal]] = {
    "new": {
        "acknowledged (/s)": Goal(least=450),
        "CPU a mail (ms)": Goal(most=2.5),
        "memory at rest (MB)": Goal(most=120),
        "memory at most (MB)": Goal(most=200),
    },
    "kept": {"CPU a mail (ms)": Goal(most=2.5), "memory at most (MB)": Goal(most=200)},
    "steady50": {"acknowledgement p99 (ms)": Goal(most=25)},
    "steady200": {"acknowledgement p99 (ms)": Goal(most=100)},
    "burst": {"last acknowledgement / accepting": Goal(most=1.3)},
    "memory": {"after 20,000 mails (MB)": Goal(most=200), "growth from 5,000 to 20,000 (MB)": Goal(most=10)},
    "fsync": {"lost with 5 ms (%)": Goal(most=20), "lost with 10 ms (%)": Goal(most=20)},
    "simulate": {"reproduced (s)": Goal(most=300), "two policies beside each other (s)": Goal(most=300)},
    "start": {"first 250, empty store (s)": Goal(most=1), "first 250, again (s)": Goal(most=1)},
    "deadlines": {
        "a turn, nothing due (ms)": Goal(most=1),
        "a turn, 500 due (ms)": Goal(most=100),
        "lateness p99 (ms)": Goal(most=1000),
    },
    "worktime": {"all of them (us each)": Goal(most=5)},
    "rules": {
        "contains: 10,000 / 10": Goal(most=2),
        "mentions: 10,000 / 10": Goal(most=2),
        "matches: 10,000 / 10": Goal(most=2),
    },
    "replay": {"live against another (s)": Goal(most=60)},
}


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that a `share` of all don't exceed (nearest rank); nan without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def shown(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


@dataclass(frozen=True, slots=True)
class Part:
    """All runs of one part."""

    name: str
    title: str
    runs: Sequence[Run]
    seconds: float

    @property
    def faults(self) -> dict[str, int]:
        return {name: sum(run.faults[name] for run in self.runs) for name in self.runs[0].faults}

    def table(self) -> str:
        lines = [f"{self.name}: {self.title} ({self.seconds:.0f} s)"]
        lines += [self._line(name) for name in self.runs[0].measures]
        if self.faults:
            told = ", ".join(f"{count} {name}" for name, count in self.faults.items())
            lines.append(f"    {'FAULTS' if any(self.faults.values()) else 'must be 0'}: {told}")
        lines += [f"    {remark}" for remark in dict.fromkeys(r for run in self.runs for r in run.remarks)]
        return "\n".join(lines)

    def _line(self, name: str) -> str:
        values = self._values(name)
        median = statistics.median(values)
        spread = f"{shown(min(values))} .. {shown(max(values))}" if len(values) > 1 else ""
        goal = GOALS.get(self.name, {}).get(name)
        verdict = f"{goal!s:>10}  {'met' if goal.met(median) else 'MISSED'}" if goal else ""
        return f"    {name:36}{shown(median):>9}   {spread:20}{verdict}".rstrip()

    def _values(self, name: str) -> list[float]:
        return [run.measures[name] for run in self.runs]

    def as_json(self) -> dict[str, Any]:
        goals = GOALS.get(self.name, {})
        figures = {
            name: {
                "median": round(statistics.median(self._values(name)), 4),
                "runs": [round(value, 4) for value in self._values(name)],
                **({"goal": str(goals[name])} if name in goals else {}),
            }
            for name in self.runs[0].measures
        }
        return {"title": self.title, "figures": figures, "faults": self.faults}
