"""The choices on one branch of a search, their consequences, and the reasons of each.

A reason is a number: a choice on this branch (0 and up), or a rule that must be false (below 0). A
contradiction carries its reasons. The search need not try alternatives for a choice that is not among
them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mailbot.analysis.lint.formulas import And, Atom, Formula, Literal, Or

Reasons = frozenset[int]
NO_REASONS: Reasons = frozenset()


@dataclass(frozen=True, slots=True)
class Branch:
    """`chosen` maps an atom to its answer and the reasons. `pending` are formulas that must still hold,
    with reasons."""

    chosen: Mapping[Atom, tuple[bool, Reasons]]
    pending: tuple[tuple[Formula, Reasons], ...]

    def literals(self) -> list[Literal]:
        return [Literal(atom, sign) for atom, (sign, _) in self.chosen.items()]

    def why(self, literals: Sequence[Literal]) -> Reasons:
        return NO_REASONS.union(*(self.chosen[each.atom][1] for each in literals if each.atom in self.chosen))


def propagate(branch: Branch) -> Branch | Reasons:
    """Derive all consequences that need no choice (unit propagation); return the reasons of a
    contradiction."""
    chosen = dict(branch.chosen)
    queue = list(branch.pending)
    while True:
        choices: list[tuple[Or, Reasons]] = []
        while queue:
            formula, why = queue.pop(0)
            if isinstance(formula, Literal):
                sign, before = chosen.setdefault(formula.atom, (formula.sign, why))
                if sign is not formula.sign:
                    return why | before
            elif isinstance(formula, And):
                queue[:0] = [(part, why) for part in formula.parts]
            else:
                choices.append((formula, why))
        left: list[tuple[Formula, Reasons]] = []
        for choice, why in choices:
            found = _open_parts(choice, why, chosen)
            if found is None:
                continue
            if not found[0]:
                return found[1]
            if len(found[0]) == 1:
                queue.append((found[0][0], found[1]))
            else:
                left.append((choice if len(found[0]) == len(choice.parts) else Or(found[0]), found[1]))
        if not queue:
            return Branch(chosen, tuple(left))
        queue += left


def _open_parts(
    choice: Or, why: Reasons, chosen: Mapping[Atom, tuple[bool, Reasons]]
) -> tuple[tuple[Formula, ...], Reasons] | None:
    """Return the parts that may still hold, and the reasons against the others; None when one holds
    already."""
    parts: list[Formula] = []
    for part in choice.parts:
        known = _known(part, chosen)
        if known is None:
            parts.append(part)
        elif known[0]:
            return None
        else:
            why |= known[1]
    return tuple(parts), why


def _known(part: Formula, chosen: Mapping[Atom, tuple[bool, Reasons]]) -> tuple[bool, Reasons] | None:
    """Return the answer of a formula with its reasons, None while it is open."""
    if isinstance(part, Literal):
        sign, why = chosen.get(part.atom, (None, NO_REASONS))
        return None if sign is None else (sign is part.sign, why)
    if isinstance(part, Or):
        return None
    answers = [_known(each, chosen) for each in part.parts]
    false_part = next((each for each in answers if each and not each[0]), None)
    if false_part:
        return false_part
    true_parts = [each for each in answers if each]
    return (
        (True, NO_REASONS.union(*(each[1] for each in true_parts)))
        if len(true_parts) == len(answers)
        else None
    )
