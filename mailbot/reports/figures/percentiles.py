"""Many spans in a few figures."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta


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


NO_SPANS = Spread()


def spread(spans: Iterable[timedelta]) -> Spread:
    ordered = sorted(spans)
    if not ordered:
        return NO_SPANS
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
