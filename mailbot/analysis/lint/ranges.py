"""Whole numbers between the bounds of `over` and `below`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mailbot.analysis.lint.budget import Undecided
from mailbot.analysis.lint.formulas import Literal
from mailbot.domain.routing.operators import octets


class Empty(Exception):
    """Nothing can fulfil these literals: a proof, not a failure."""

    def __init__(self, because: Sequence[Literal]) -> None:
        super().__init__(" and ".join(map(str, because)))
        self.because = tuple(because)


@dataclass(frozen=True, slots=True)
class Range:
    """Whole numbers from `least` to `most`. None means no upper bound."""

    least: int = 0
    most: int | None = None

    @staticmethod
    def of(
        literals: Iterable[Literal], read: Callable[[object], int], least: int = 0, most: int | None = None
    ) -> "Range":
        """Build the range that `over` and `below` leave between `least` and `most`. Raises Empty.

        `read` converts the value in the policy to a number.
        """
        lowest: tuple[Literal, ...] = ()
        highest: tuple[Literal, ...] = ()
        for each in literals:
            limit = read(each.atom.item)
            if (each.atom.operator == "over") is each.sign:
                if limit + each.sign > least:
                    least, lowest = limit + each.sign, (each,)
            elif most is None or limit - each.sign < most:
                most, highest = limit - each.sign, (each,)
        if most is not None and least > most:
            raise Empty((*lowest, *highest))
        return Range(least, most)

    def nearest(self, wish: int) -> int:
        """Return the number in the range that is nearest to `wish`."""
        return max(self.least, wish if self.most is None else min(self.most, wish))


def size_of(written: object) -> int:
    return octets(written) if isinstance(written, str | int) else _no_number(written)


def count_of(written: object) -> int:
    return written if isinstance(written, int) else _no_number(written)


def _no_number(written: object) -> int:
    raise Undecided(f"{written!r} could not be read as a number")
