"""Find rules that nearly matched a mail: one condition of theirs failed, though another fitted."""

from collections.abc import Sequence

from mailbot.domain.routing.trace import ConditionTrace, RuleTrace


def near_misses(rules: Sequence[RuleTrace]) -> list[tuple[RuleTrace, ConditionTrace]]:
    """List the rules that nearly matched, each with the single condition or group that kept it from it."""
    missed = ((rule, _missing(rule.conditions)) for rule in rules if rule.conditions and not rule.matched)
    return [(rule, missing) for rule, missing in missed if missing]


def _missing(node: ConditionTrace) -> ConditionTrace | None:
    """Return the part that alone failed where a positive one held, else None. A way of an `any` counts as a whole."""
    if node.kind == "any":
        return next((found for part in node.parts if (found := _missing(part))), None)
    failed = [part for part in node.parts if not part.holds]
    fits = any(part.holds and part.kind != "none" for part in node.parts)
    return failed[0] if node.kind == "all" and fits and len(failed) == 1 else None
