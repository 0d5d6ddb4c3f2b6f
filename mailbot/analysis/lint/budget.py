"""Limit of the work of an analysis, counted in steps, so that a policy gets the same answer on every
machine."""

from collections.abc import Callable
from dataclasses import dataclass, field


class Undecided(Exception):
    """Neither an example nor a proof was found. Holds the reason."""


def _never_stop() -> bool:
    return False


@dataclass(slots=True)
class Budget:
    """`steps` are left for all questions together, `per_question` at most for one (a step takes about 2 us).

    A caller with a clock passes `stop`: once it returns True, all open questions are undecided. This is
    the only mutable value of the lint.
    """

    steps: int = 10_000_000
    per_question: int = 400_000
    stop: Callable[[], bool] = _never_stop
    letters_omitted: bool = field(default=False, init=False)  # see `text.solver`
    _left: int = field(default=0, init=False)

    def start_question(self) -> None:
        self._left, self.letters_omitted = min(self.per_question, self.steps), False

    def spend(self, steps: int) -> None:
        """Take steps from the budget. Raises Undecided when none are left."""
        self._left -= steps
        self.steps -= steps
        if self._left < 0 or self.stop():
            raise Undecided("the search was given up after too many steps")
