"""What a chart says: pure values, no place and no colour yet.

`layout.picture` draws every kind. Series are drawn in the order given, the first in the first colour.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Series:
    """One value for each label; None where there is none (a line has a gap there, a bar is missing)."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """Upright bars over labels: side by side, or on top of each other when `stacked`.

    Values are not negative. `unit` stands at the axis ("hours", "tickets").
    """

    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    unit: str = ""
    stacked: bool = False

    def __post_init__(self) -> None:
        _check(self.labels, self.series)


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines over labels, in the order of time. Values are not negative."""

    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    unit: str = ""

    def __post_init__(self) -> None:
        _check(self.labels, self.series)


@dataclass(frozen=True, slots=True)
class Rows:
    """Bars that lie, one row a label, its value written behind it: for names that are long. A row of
    several series shows them below each other; `stacked` puts them end to end, the sum behind."""

    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    unit: str = ""
    stacked: bool = False

    def __post_init__(self) -> None:
        _check(self.labels, self.series)


@dataclass(frozen=True, slots=True)
class Heat:
    """One row a series, one cell a label, the darker the more: load by level and hour."""

    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    unit: str = ""

    def __post_init__(self) -> None:
        _check(self.labels, self.series)


Chart = Bars | Lines | Rows | Heat


def _check(labels: tuple[str, ...], series: tuple[Series, ...]) -> None:
    """Raises ValueError for what can't be drawn."""
    for each in series:
        if len(each.values) != len(labels):
            raise ValueError(f"{each.name!r} has {len(each.values)} values for {len(labels)} labels")
        for value in each.values:
            if value is not None and not 0 <= value < float("inf"):
                raise ValueError(f"{each.name!r} holds {value}, which can't be drawn")


def top(chart: Chart) -> float:
    """The largest value that must fit: of a single bar, or of a stack. 0 when there is nothing."""
    if isinstance(chart, Bars | Rows) and chart.stacked:
        columns = zip(*(each.values for each in chart.series), strict=True)
        return max((sum(value or 0 for value in column) for column in columns), default=0)
    return max((value for each in chart.series for value in each.values if value is not None), default=0)


def total(chart: Chart, index: int) -> float:
    """All series at one label."""
    return sum(each.values[index] or 0 for each in chart.series)
