"""Check that rules with `learned` can only raise what a ticket gets: a guess may be wrong.

Without `go_on` such a rule stands below all others but the last, so that it decides only mail that nothing specific
matched. With `go_on` it may stand higher, and then sets nothing but ADDS. In both places no ticket gets a lower
priority, a lower level or a later target than by any rule below. This is checked for all that other rules with
`go_on` can set. The hours of teams are not compared.
"""

from collections.abc import Iterator, Sequence
from itertools import product

from mailbot.config.yaml.source import Source
from mailbot.domain.policy import Actions, Policy, Rule
from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import PRIORITIES, is_learned
from mailbot.errors import Problem

ADDS = ("urgency", "complexity", "priority", "tags")
_COMPARED = ("urgency", "complexity", "priority", "ladder", "level")
_CURE = "what is learned may be wrong, so it may only raise: set at least the same here"
_Pair = tuple[str | None, str | None]  # what a ticket gets without the rule, and with it


def check(policy: Policy, routing: Source) -> Iterator[Problem]:
    """Report each rule with `learned` that stands too high, sets too much, or could lower something."""
    for index, rule in enumerate(policy.rules):
        if not is_learned(rule.when):
            continue
        place = ("rules", index)
        specific = [each for each in policy.rules[index + 1 : -1] if not is_learned(each.when)]
        if specific and not rule.go_on:
            message = f"a rule with `learned` can't be above others: rule `{specific[0].name}` is below it"
            yield routing.at_key(
                (*place, "when"), message, "move it to just above the last rule, or add `go_on: true`"
            )
        too_much = _sets_too_much(rule) if specific and rule.go_on else ""
        if too_much:
            message = f"a rule with `learned` can't set `{too_much}` above other rules"
            yield routing.at_key(
                (*place, "then", too_much), message, f"above others it can set: {', '.join(ADDS)}"
            )
        elif lowered := _lowered(policy, index):
            yield routing.at_key((*place, "then"), lowered, _CURE)


def _sets_too_much(rule: Rule) -> str:
    names = (name for name in Actions.__dataclass_fields__ if name not in ADDS)
    return next((name for name in names if getattr(rule.then, name)), "")


def _lowered(policy: Policy, index: int) -> str:
    """Describe what the rule could lower, "" for nothing."""
    rule, below = policy.rules[index], policy.rules[index + 1 :]
    above = [each for each in policy.rules[:index] if each.go_on]
    for at, other in enumerate(below):
        if other.go_on:
            continue
        between = [each for each in below[:at] if each.go_on]
        by_field = [_pairs(name, above, rule, between, other) for name in _COMPARED]
        for pairs in product(*by_field):
            without, with_it = (dict(zip(_COMPARED, each, strict=True)) for each in zip(*pairs, strict=True))
            if lower := _lower(policy, without, with_it):
                return f"rule `{rule.name}` could lower a ticket: {lower} by rule `{other.name}`"
    return ""


def _pairs(name: str, above: Sequence[Rule], rule: Rule, between: Sequence[Rule], other: Rule) -> list[_Pair]:
    """List what a ticket can get of one kind: the first that sets it decides."""
    firsts = [None, *(value for each in above if (value := getattr(each.then, name)))]
    lasts = [*(value for each in between if (value := getattr(each.then, name))), getattr(other.then, name)]
    own = getattr(rule.then, name)
    found = [
        (first or last, first or own or (last if rule.go_on else None)) for first in firsts for last in lasts
    ]
    return list(dict.fromkeys(found))


_Set = dict[str, str | None]


def _lower(policy: Policy, without: _Set, with_it: _Set) -> str:
    before, after = _priority(without), _priority(with_it)
    if PRIORITIES.index(after) < PRIORITIES.index(before):
        return f"priority {after} where it gets {before}"
    levels = policy.levels
    old, new = (values["level"] or levels[0] for values in (without, with_it))
    if old in levels and new in levels and levels.index(new) < levels.index(old):
        return f"level {new} where it gets {old}"
    old, new = without["ladder"] or policy.ladder_of[before], with_it["ladder"] or policy.ladder_of[after]
    late = _later(policy, old, new)
    return f"{late} on ladder {new}, which is later than on ladder {old}" if late else ""


def _priority(values: _Set) -> str:
    urgency, complexity = values["urgency"] or "normal", values["complexity"] or "medium"
    return values["priority"] or conditions.priority(urgency, complexity)


def _later(policy: Policy, old: str, new: str) -> str:
    """Return the first target that is later on the new ladder, or missing there."""
    before, after = policy.ladders[old].targets, policy.ladders[new].targets
    late = (target for target, span in before.items() if target not in after or after[target] > span)
    return next((target.value for target in late), "")
