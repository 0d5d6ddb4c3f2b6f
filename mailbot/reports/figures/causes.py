"""What tickets are about, and which of it is rising: this period against the weeks before.

The measure is Dunning's log-likelihood ratio G2 ("Accurate Methods for the Statistics of Surprise and
Coincidence", 1993). Its table counts tickets with and without the cause, in the period and in the weeks
before. If the cause had the same share in both, G2 would exceed 10.83 once in a thousand comparisons (chi-
squared, one degree of freedom). Unlike chi-squared it also holds for rare causes.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mailbot.reports.figures.facts import Opened
from mailbot.reports.figures.subject_words import phrases

THRESHOLD = 10.83  # p < 0.001
LEAST = 5  # tickets of the period: fewer are no trend, whatever G2 is
SHOWN = 15  # of each kind
VARIETY = 50_000  # different phrases remembered: what came once is forgotten when there are more
COVERED = 0.7  # a word is not shown beside a pair that holds it and makes up so much of it

KINDS = ("category", "rule", "detail", "phrase")


@dataclass(frozen=True, slots=True)
class Cause:
    """`count` of the period's tickets and `count_before` of those of the weeks before have it.

    `share` and `share_before` are of all tickets (0 to 1). `g2` has the sign of their difference. `rising`
    needs g2 of at least THRESHOLD, a `count` of at least LEAST, and more a day than before. Without the last,
    a cause would count as rising because another one fell.
    """

    kind: str  # one of KINDS
    name: str
    count: int
    count_before: int
    share: float
    share_before: float
    g2: float
    rising: bool


def g2(now: int, total: int, before: int, total_before: int) -> float:
    """Compute the signed G2 of `now` in `total` against `before` in `total_before`.

    It is 2 * sum of O * ln(O / E) over the four cells, with E from the margins. It is negative when the share
    fell, and 0 without anything to compare with.
    """
    if not total or not total_before:
        return 0.0
    everything, having = total + total_before, now + before
    cells = (
        (now, total * having),
        (before, total_before * having),
        (total - now, total * (everything - having)),
        (total_before - before, total_before * (everything - having)),
    )
    value = 2 * sum(seen * math.log(seen * everything / product) for seen, product in cells if seen)
    return math.copysign(max(0.0, value), now * total_before - before * total)


@dataclass(slots=True)
class Counts:
    """How many tickets there were, and the numbers of those with each cause."""

    total: int = 0
    of: dict[str, dict[str, list[str]]] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    def add(self, number: str, ticket: Opened) -> None:
        self.total += 1
        self._add("category", number, (ticket.category or "-",))
        self._add("rule", number, (ticket.rule or "-",))
        self._add("detail", number, {f"{name}: {value}" for name, value in ticket.details})
        self._add("phrase", number, phrases(ticket.subject))
        for kind in ("detail", "phrase"):  # the customers' own words: no end of them
            if len(self.of[kind]) > VARIETY:
                self.of[kind] = {name: found for name, found in self.of[kind].items() if len(found) > 1}

    def _add(self, kind: str, number: str, names: Iterable[str]) -> None:
        for name in names:
            self.of[kind].setdefault(name, []).append(number)

    def count(self, kind: str, name: str) -> int:
        return len(self.of[kind].get(name, ()))


def causes(now: Counts, before: Counts, length: float, length_before: float) -> tuple[Cause, ...]:
    """Return the causes of every kind that are rising or among the most frequent SHOWN, rising ones first.

    `length`: of both stretches, in one unit. Customers' words (details, phrases) need at least LEAST tickets.
    """
    found: list[Cause] = []
    for kind in KINDS:
        of_kind = [
            _cause(kind, name, len(tickets), now, before, length, length_before)
            for name, tickets in now.of[kind].items()
            if len(tickets) >= LEAST or kind in ("category", "rule")
        ]
        if kind == "phrase":
            of_kind = _without_parts(of_kind)
        of_kind.sort(key=lambda each: (not each.rising, -each.g2 if each.rising else -each.count, each.name))
        rising = sum(each.rising for each in of_kind)
        found += of_kind[: max(SHOWN, min(rising, 2 * SHOWN))]
    return tuple(found)


def _cause(
    kind: str, name: str, count: int, now: Counts, before: Counts, length: float, length_before: float
) -> Cause:
    earlier = before.count(kind, name)
    value = g2(count, now.total, earlier, before.total)
    more_a_day = count * length_before > earlier * length
    shares = (count / now.total, earlier / before.total if before.total else 0.0)
    rising = value >= THRESHOLD and count >= LEAST and more_a_day
    return Cause(kind, name, count, earlier, *shares, value, rising)


def _without_parts(found: Sequence[Cause]) -> list[Cause]:
    """Remove words that mostly occur in a pair which is shown itself."""
    largest: Counter[str] = Counter()  # count of the largest pair that holds a word
    for each in found:
        parts = each.name.split()
        for part in parts if len(parts) > 1 else ():
            largest[part] = max(largest[part], each.count)
    return [each for each in found if largest[each.name] < COVERED * each.count]
