"""What an action against a cause changed: how many tickets with it were closed in a week, before and after.

By the time of closing, not of opening: open tickets have no cause yet, so the newest weeks would look better than they
are. What was closed soon after the action came before it, so the effect is rather shown too small.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

WEEK = timedelta(weeks=1)
COMPARED = 8 * WEEK  # before and after, as far as there were tickets


@dataclass(frozen=True, slots=True)
class Effect:
    """An action and its effect. A rate is None where less than a week can be counted.

    `weeks_before`, `weeks_after`: how long both stretches are.
    """

    cause: str
    at: datetime
    text: str
    per_week_before: float | None
    per_week_after: float | None
    weeks_before: float
    weeks_after: float


def effect(
    cause: str, at: datetime, text: str, closed: Iterable[datetime], first: datetime | None, until: datetime
) -> Effect:
    """Compare the closings before and after the action at `at`. `first`: when the first ticket came."""
    since, end = max(at - COMPARED, first or at), min(at + COMPARED, until)
    moments = list(closed)
    before = sum(since <= each < at for each in moments)
    after = sum(at <= each < end for each in moments)
    weeks_before, weeks_after = max((at - since) / WEEK, 0.0), max((end - at) / WEEK, 0.0)
    return Effect(
        cause, at, text, _rate(before, weeks_before), _rate(after, weeks_after), weeks_before, weeks_after
    )


def _rate(count: int, weeks: float) -> float | None:
    return count / weeks if weeks >= 1 else None
