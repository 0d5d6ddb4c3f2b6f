"""What a run measures: a server that takes mail and sends it on to a relay."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.bench.ledger import Ledger
from tests.bench.sink import Arrived


class NotHere(Exception):
    """This can't be measured on this machine; the text has the reason."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that is up. `roots`: the processes whose trees are its cost. `waiting` counts mail on its way."""

    port: int
    roots: tuple[int, ...]
    waiting: Callable[[], int]
    arrival: Callable[[Ledger], Arrived] = lambda ledger: ledger.arrived


class Target(Protocol):
    """`name` is its column in the tables."""

    name: str

    def check(self) -> str:
        """Return its name and version for people. Raises NotHere."""

    def running(
        self, folder: Path, relay_port: int, env: dict[str, str]
    ) -> AbstractAsyncContextManager[Running]:
        """Run it in an empty folder; `env` is added to the environment of its processes."""
