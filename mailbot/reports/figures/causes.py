"""What tickets are about, and which of it is rising: this period against the weeks before.

Dunning's log-likelihood ratio G2 ("Accurate Methods for the Statistics of Surprise and Coincidence", 1993) on
the table of tickets with and without the cause, in the period and in the weeks before. Were the cause's share
of all tickets the same in both, G2 would go beyond 10.83 once in a thousand such comparisons (chi-squared,
one degree of freedom). It holds for rare causes as well, where chi-squared itself does not.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mailbot.reports.figures.facts import Opened
from mailbot.reports.figures.subject_words import phrases

THRESHOLD = 10.83  # p < 0.001
LEAST = 5  # tickets of the period: fewer are no trend, whatever G2 says
SHOWN = 15  # of each kind
VARIETY = 50_000  # different phrases remembered: what came once is forgotten when there are more
COVERED = 0.7  # a word is not shown beside a pair that holds it and makes up so much of it

KINDS = ("category", "rule", "detail", "phrase")


@dataclass(frozen=True, slots=True)
class Cause:
    """`count` of the period's tickets and `count_before` of those of the weeks before have it.

    `share` and `share_before` are of all tickets (0 to 1). `g2` bears the sign of their difference. `rising`:
    g2 is at least THRESHOLD, `count` at least LEAST, and there were more a day than before, so that nothing
    counts as rising only because something else fell.
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
    """Signed G2 of `now` in `total` against `before` in `total_before`: 2 * sum of O * ln(O / E) over the
    four cells, E by the margins; negative when the share fell; 0 where there is nothing to compare with."""
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
    """How many tickets there were, and how many of them had which cause."""

    total: int = 0
    of: dict[str, Counter[str]] = field(default_factory=lambda: {kind: Counter() for kind in KINDS})

    def add(self, ticket: Opened) -> None:
        self.total += 1
        self.of["category"][ticket.category or "-"] += 1
        self.of["rule"][ticket.rule or "-"] += 1
        self.of["detail"].update({f"{name}: {value}" for name, value in ticket.details})
        self.of["phrase"].update(phrases(ticket.subject))
        for kind in ("detail", "phrase"):  # the customers' own words: no end of them
            if len(self.of[kind]) > VARIETY:
                self.of[kind] = Counter({name: count for name, count in self.of[kind].items() if count > 1})


def causes(now: Counts, before: Counts, length: float, length_before: float) -> tuple[Cause, ...]:
    """The causes of every kind that are rising or among the most frequent SHOWN, rising ones first.

    `length`: of the two stretches, in one unit. What customers wrote (details, phrases) is shown from LEAST
    tickets on.
    """
    found: list[Cause] = []
    for kind in KINDS:
        of_kind = [
            _cause(kind, name, count, now, before, length, length_before)
            for name, count in now.of[kind].items()
            if count >= LEAST or kind in ("category", "rule")
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
    earlier = before.of[kind][name]
    value = g2(count, now.total, earlier, before.total)
    more_a_day = count * length_before > earlier * length
    return Cause(
        kind=kind,
        name=name,
        count=count,
        count_before=earlier,
        share=count / now.total,
        share_before=earlier / before.total if before.total else 0.0,
        g2=value,
        rising=value >= THRESHOLD and count >= LEAST and more_a_day,
    )


def _without_parts(found: Iterable[Cause]) -> list[Cause]:
    """Without the words that mostly stand in a pair which is there itself."""
    listed = list(found)
    inside: Mapping[str, int] = _largest_pair(listed)
    return [each for each in listed if inside.get(each.name, 0) < COVERED * each.count]


def _largest_pair(found: Iterable[Cause]) -> dict[str, int]:
    largest: dict[str, int] = {}
    for each in found:
        parts = each.name.split()
        for part in parts if len(parts) > 1 else ():
            largest[part] = max(largest.get(part, 0), each.count)
    return largest
