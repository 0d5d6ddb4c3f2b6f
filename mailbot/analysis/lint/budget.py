"""How much work an analysis may do: counted in steps, so that a policy gets the same answer anywhere."""

from collections.abc import Callable
from dataclasses import dataclass, field


class Undecided(Exception):
    """No proof either way was found; holds the reason. Caught where a finding is made of it."""


def _never() -> bool:
    return False


@dataclass(slots=True)
class Budget:
    """`steps` are left for all questions together, `each` at most for one (a step is about 2 us).

    `stop` is asked now and then: a caller with a clock ends the search by it, and all that is open is not
    decided. The only mutable thing in this package.
    """

    steps: int = 10_000_000
    each: int = 400_000
    stop: Callable[[], bool] = _never
    loose: bool = field(default=False, init=False)  # a proof of this question left some letters out
    _left: int = field(default=0, init=False)

    def question(self) -> None:
        """A new question begins."""
        self._left, self.loose = min(self.each, self.steps), False

    def spend(self, steps: int) -> None:
        """Raises Undecided when it is used up."""
        self._left -= steps
        self.steps -= steps
        if self._left < 0 or self.stop():
            raise Undecided("the search was given up after too many steps")
