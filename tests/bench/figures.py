"""The figures of a run, side by side for what was measured in turn, and the table for people."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Measures = Mapping[str, float]  # "CPU a mail (ms)": 1.9
NAME, CELL = 36, 9  # widths in the table


@dataclass(frozen=True, slots=True)
class Run:
    """`faults` must all be 0; anything else is a broken promise, whatever the speed."""

    measures: Measures
    faults: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that a `share` of all don't exceed (nearest rank); nan without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def shown(value: float) -> str:
    if abs(value) >= 100 or value == int(value if value == value else 0):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


@dataclass(frozen=True, slots=True)
class Part:
    """All runs of one part. A column is one of the things compared: "sqlite", "postfix"."""

    name: str
    title: str
    columns: Mapping[str, Sequence[Run]]
    left_out: tuple[str, ...] = ()
    failed: bool = False  # a run ended with an error: its text is in `left_out`
    seconds: float = 0

    @property
    def broken(self) -> bool:
        return any(any(self._faults(column).values()) for column in self.columns)

    def median(self, column: str, figure: str) -> float | None:
        values = self._values(column, figure)
        return statistics.median(values) if values else None

    def table(self) -> str:
        lines = [f"{self.name}: {self.title} ({self.seconds:.0f} s)"]
        if len(self.columns) > 1:
            heads = (f"{column:<{self._width(column)}}" for column in self.columns)
            lines.append(f"    {'':{NAME}}{'  '.join(heads)}".rstrip())
        lines += [self._line(figure) for figure in self._figures()]
        lines += [f"    {line}" for line in self._told()]
        lines += [f"    {remark}" for remark in (*self._remarks(), *self.left_out)]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        columns = {column: self._column_as_json(column) for column in self.columns}
        return {"title": self.title, "left_out": list(self.left_out), "columns": columns}

    def _column_as_json(self, column: str) -> dict[str, Any]:
        runs = self.columns[column]
        figures = {
            figure: {
                "median": round(statistics.median(values), 4),
                "min": round(min(values), 4),
                "max": round(max(values), 4),
                "runs": [round(value, 4) for value in values],
            }
            for figure in self._figures()
            if (values := self._values(column, figure))
        }
        remarks = [remark for run in runs for remark in run.remarks]
        return {"figures": figures, "faults": self._faults(column), "remarks": remarks}

    def _figures(self) -> list[str]:
        return list(dict.fromkeys(name for runs in self.columns.values() for name in runs[0].measures))

    def _values(self, column: str, figure: str) -> list[float]:
        runs = self.columns.get(column, ())
        return [run.measures[figure] for run in runs if figure in run.measures]

    def _line(self, figure: str) -> str:
        cells = (f"{self._cell(column, figure):<{self._width(column)}}" for column in self.columns)
        return f"    {figure:{NAME}}{'  '.join(cells)}".rstrip()

    def _cell(self, column: str, figure: str) -> str:
        values = self._values(column, figure)
        if not values:
            return f"{'-':>{CELL}}"
        spread = f" {shown(min(values))}..{shown(max(values))}" if len(values) > 1 else ""
        return f"{shown(statistics.median(values)):>{CELL}}{spread}"

    def _width(self, column: str) -> int:
        return max([len(column), *(len(self._cell(column, figure)) for figure in self._figures())])

    def _faults(self, column: str) -> dict[str, int]:
        runs = self.columns[column]
        return {name: sum(run.faults[name] for run in runs) for name in runs[0].faults}

    def _told(self) -> list[str]:
        told: dict[str, list[str]] = {}
        for column in self.columns:
            if faults := self._faults(column):
                found = ", ".join(f"{count} {name}" for name, count in faults.items() if count)
                told.setdefault(f"FAULTS: {found}" if found else f"none {', '.join(faults)}", []).append(
                    column
                )
        return [f"{', '.join(columns)}: {line}" for line, columns in told.items()]

    def _remarks(self) -> list[str]:
        return list(
            dict.fromkeys(
                f"{column}: {remark}"
                for column, runs in self.columns.items()
                for run in runs
                for remark in run.remarks
            )
        )
