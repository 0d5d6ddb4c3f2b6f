"""What a chart shows: pure values, no place and no colour yet. `layout.picture` draws every shape."""

from dataclasses import dataclass
from enum import StrEnum


class Shape(StrEnum):
    BARS = "bars"  # upright bars over labels: side by side, or stacked
    ROWS = "rows"  # horizontal bars, one row for each label with its value: for long names
    HEAT = "heat"  # one row for each series, one cell for each label, darker for more


@dataclass(frozen=True, slots=True)
class Series:
    """One value for each label; None where there is none (a missing bar).

    `step`: its place, from 0, among series that are steps of one scale, such as ages. `keys`: what each value
    counts, () where nothing leads there.
    """

    name: str
    values: tuple[float | None, ...]
    step: int | None = None
    keys: tuple[tuple[str, ...], ...] = ()

    def key(self, index: int) -> tuple[str, ...]:
        """Return what the value counts, () where that is not known."""
        return self.keys[index] if self.keys else ()


@dataclass(frozen=True, slots=True)
class Chart:
    """Series are drawn in the order given, the first in the first colour. Values are not negative.

    `unit` is the unit of the axis ("hours", "tickets"). `stacked` puts bars or rows end to end. Numbers are
    written as in `language`.
    """

    shape: Shape
    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    unit: str = ""
    stacked: bool = False
    language: str = "en"

    def __post_init__(self) -> None:
        """Raise ValueError for what can't be drawn."""
        for series in self.series:
            if len(series.values) != len(self.labels):
                counts = f"{len(series.values)} values for {len(self.labels)} labels"
                raise ValueError(f"{series.name!r} has {counts}")
            for value in series.values:
                if value is not None and not 0 <= value < float("inf"):
                    raise ValueError(f"{series.name!r} holds {value}, which can't be drawn")

    def largest(self) -> float:
        """Return the largest value that must fit, of a single bar or of a stack; 0 without values."""
        if self.stacked:
            return max(map(self.total, range(len(self.labels))), default=0)
        return max((value for each in self.series for value in each.values if value is not None), default=0)

    def total(self, index: int) -> float:
        """Return the sum of all series at one label."""
        return sum(each.values[index] or 0 for each in self.series)
