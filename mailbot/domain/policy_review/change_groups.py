"""Group the changes between two policies: mails that change alike, by the same rule."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mailbot.domain.policy_review.policy_diff import NAMES, Change, Difference, Value
from mailbot.domain.routing.pattern_text import shorten_patterns

# What decides who gets a mail and by when. The rest (tags, texts, details) does not make mails unlike.
PLACEMENT = ("team", "level", "category", "priority", "ladder")
EXAMPLES = 2
# A priority and its ladder follow from these.
_CAUSES = ("rule", "team", "level", "category", "urgency", "complexity", *NAMES)


@dataclass(frozen=True, slots=True)
class Placed:
    """One part of the placement, before and after."""

    name: str
    old: Value
    new: Value


@dataclass(frozen=True, slots=True)
class Group:
    """Mails that change alike. `old_rule` and `new_rule` are those that decided what differs.

    `placed` is what differs of the placement, `also` names what else does. `because` counts the conditions that
    held, the most frequent first. `examples` are names of changes.
    """

    kind: str
    old_rule: str
    new_rule: str
    count: int
    placed: tuple[Placed, ...]
    also: tuple[str, ...]
    because: tuple[tuple[str, int], ...]
    examples: tuple[str, ...]


def group_changes(changes: Iterable[Change]) -> list[Group]:
    """Return the groups, the largest first."""
    grouped: dict[tuple[object, ...], list[Change]] = {}
    for change in changes:
        key = change.kind, *_rules(change), _placed(change)
        grouped.setdefault(key, []).append(change)
    return sorted(map(_group, grouped.values()), key=lambda group: -group.count)


def _group(changes: Sequence[Change]) -> Group:
    first = changes[0]
    names = {difference.name for change in changes for difference in change.differences}
    conditions = Counter(_condition(change) for change in changes)
    return Group(
        first.kind,
        *_rules(first),
        len(changes),
        _placed(first),
        tuple(name for name in NAMES if name in names and name not in (*PLACEMENT, "rule", "details")),
        tuple((text, count) for text, count in conditions.most_common() if text),
        tuple(change.name for change in _unlike(changes)[:EXAMPLES]),
    )


def _unlike(changes: Sequence[Change]) -> list[Change]:
    """Put the first mail of each condition first: examples should differ."""
    first: dict[str, Change] = {}
    for change in changes:
        first.setdefault(_condition(change), change)
    return [*first.values(), *(change for change in changes if change is not first[_condition(change)])]


def _placed(change: Change) -> tuple[Placed, ...]:
    return tuple(
        Placed(each.name, each.old, each.new) for each in change.differences if each.name in PLACEMENT
    )


def _cause(change: Change) -> Difference:
    """Return the difference that the others follow from."""
    return min(change.differences, key=lambda difference: _CAUSES.index(difference.name))


def _rules(change: Change) -> tuple[str, str]:
    """Return the rules that decided what differs: those that won, or one above that let the others go on."""
    cause = _cause(change)
    if cause.name == "rule":
        return change.old_rule, change.new_rule
    old, new = (_split(text)[0] for text in (cause.old_because, cause.new_because))
    return old or new or change.old_rule, new or old or change.new_rule


def _condition(change: Change) -> str:
    """Return the condition that decided under the new policy, else the one that no longer does."""
    cause = _cause(change)
    new, old = _split(cause.new_because), _split(cause.old_because)
    return shorten_patterns(new[1] if new[0] and new[1] != _LAST else old[1])


_LAST = "no other rule matched"


def _split(because: str) -> tuple[str, str]:
    """Split "rule: condition"; there is no rule in a reason such as "no rule sets it"."""
    rule, colon, condition = because.partition(": ")
    return (rule, condition) if colon else ("", "")
