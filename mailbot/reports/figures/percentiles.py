"""Many spans in a few figures."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Spread:
    """How spans are spread: `count` of them; None where there are none.

    `mean` is their sum by their number. `median` and `p90` are the 0.5 and 0.9 quantiles by linear
    interpolation between the two spans around them (type 7 of Hyndman and Fan, "Sample Quantiles in
    Statistical Packages", 1996; PERCENTILE.INC of spreadsheets): half of the spans, nine in ten, are not
    longer.
    """

    count: int = 0
    mean: timedelta | None = None
    median: timedelta | None = None
    p90: timedelta | None = None


NO_SPANS = Spread()


def spread(spans: Iterable[timedelta]) -> Spread:
    ordered = sorted(spans)
    if not ordered:
        return NO_SPANS
    mean = sum(ordered, timedelta()) / len(ordered)
    return Spread(len(ordered), mean, quantile(ordered, 0.5), quantile(ordered, 0.9))


def quantile(ordered: list[timedelta], share: float) -> timedelta:
    """Of spans in ascending order, at least one."""
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def share(part: int, whole: int) -> float | None:
    """`part` of `whole`, 0 to 1; None of nothing."""
    return part / whole if whole else None
