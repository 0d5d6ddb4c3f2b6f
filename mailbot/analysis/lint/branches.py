"""What has been chosen on one branch of a search, what follows from it, on which choices each thing rests.

A reason is a number: a choice made on the way (0 and up), or a rule that must not hold (below 0). Whatever
contradicts itself carries its reasons, so that a choice which had no part in it need not be tried otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mailbot.analysis.lint.formulas import And, Atom, Formula, Literal, Or

Reasons = frozenset[int]
NO_REASONS: Reasons = frozenset()


@dataclass(frozen=True, slots=True)
class Branch:
    """`chosen`: atom -> its answer and why. `pending`: what must still be made to hold, and why."""

    chosen: Mapping[Atom, tuple[bool, Reasons]]
    pending: tuple[tuple[Formula, Reasons], ...]

    def literals(self) -> list[Literal]:
        return [Literal(atom, sign) for atom, (sign, _) in self.chosen.items()]

    def why(self, literals: Sequence[Literal]) -> Reasons:
        return NO_REASONS.union(*(self.chosen[each.atom][1] for each in literals if each.atom in self.chosen))


def propagate(branch: Branch) -> Branch | Reasons:
    """All that follows without choosing; the reasons when it contradicts itself."""
    chosen = dict(branch.chosen)
    waiting = list(branch.pending)
    while True:
        choices: list[tuple[Or, Reasons]] = []
        while waiting:
            formula, why = waiting.pop(0)
            if isinstance(formula, Literal):
                sign, before = chosen.setdefault(formula.atom, (formula.sign, why))
                if sign is not formula.sign:
                    return why | before
            elif isinstance(formula, And):
                waiting[:0] = [(part, why) for part in formula.parts]
            else:
                choices.append((formula, why))
        left: list[tuple[Formula, Reasons]] = []
        for choice, why in choices:
            found = _left(choice, why, chosen)
            if found is None:
                continue
            if not found[0]:
                return found[1]
            if len(found[0]) == 1:
                waiting.append((found[0][0], found[1]))
            else:
                left.append((choice if len(found[0]) == len(choice.parts) else Or(found[0]), found[1]))
        if not waiting:
            return Branch(chosen, tuple(left))
        waiting += left


def _left(
    choice: Or, why: Reasons, chosen: Mapping[Atom, tuple[bool, Reasons]]
) -> tuple[tuple[Formula, ...], Reasons] | None:
    """The parts that can still hold, with the reasons why no others can; None when one holds already."""
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
    if isinstance(part, Literal):
        sign, why = chosen.get(part.atom, (None, NO_REASONS))
        return None if sign is None else (sign is part.sign, why)
    if isinstance(part, Or):
        return None
    answers = [_known(each, chosen) for each in part.parts]
    refused = next((each for each in answers if each and not each[0]), None)
    if refused:
        return refused
    sure = [each for each in answers if each]
    return (True, NO_REASONS.union(*(each[1] for each in sure))) if len(sure) == len(answers) else None
