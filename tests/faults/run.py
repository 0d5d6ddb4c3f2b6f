"""One run of a script: in a fresh store, with one fault or none, until everything is healed."""

import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mailbot.domain.policy import Policy
from mailbot.store import migrate
from mailbot.store.engine import open_engine
from tests.faults import ledger
from tests.faults.chat import Provider
from tests.faults.ledger import Counts
from tests.faults.points import Fault, Points
from tests.faults.relay import Arrived
from tests.faults.script import CHATS, KEPT_FIRST, POLICIES, SCRIPTS, NeverCame, Script, policy
from tests.faults.virtual import VirtualLoop
from tests.faults.world import World

T = TypeVar("T")

# Seconds between the rounds while something is pending: a relay that is silent at the dot is waited for 10 minutes.
# A refusal is held back for an hour while the relay accepts nothing.
HEALING = (0.5, 1.0, 2.0, 5.0, *[20.0] * 60, *[300.0] * 15)


@dataclass(frozen=True, slots=True)
class Result:
    """`witnesses`: what people and the relay saw, for `ledger.violations`."""

    points: Points
    counts: Counts
    violations: list[str]
    witnesses: tuple[list[str], list[tuple[str, int]], list[Arrived], list[str]]


class Simulation:
    """Runs scripts in `directory`. `nodes`: how many share the store. `left_out`: see `World`.

    `hasty`: a chat confirms before it keeps, see `chat`.
    """

    def __init__(
        self, directory: Path, nodes: int = 1, left_out: frozenset[str] = frozenset(), *, hasty: bool = False
    ) -> None:
        self._directory, self._nodes, self._left_out, self._hasty = directory, nodes, left_out, hasty
        self._template = directory / "template.db"
        self._path = directory / "run.db"
        self._url = f"sqlite:///{self._path}"
        migrate.upgrade(f"sqlite:///{self._template}")
        self._books = open_engine(self._url)

    def run(self, script: str, fault: Fault | None = None, expected: Counts | None = None) -> Result:
        chosen, points = POLICIES.get(script) or policy(), Points(fault)
        return self.in_world(lambda world: self._run(script, world, expected), chosen, points)

    def in_world(self, play: Callable[[World], Awaitable[T]], policy: Policy, points: Points) -> T:
        """Play something in a new world with an empty store."""
        for file in self._directory.glob("run.db[-.]*"):
            file.unlink()
        shutil.copyfile(self._template, self._path)  # into the same file: engines refuse another one
        loop = VirtualLoop()
        try:
            return loop.run_until_complete(self._in_world(play, policy, points))
        finally:
            loop.close()
            self._books.dispose()

    async def _in_world(self, play: Callable[[World], Awaitable[T]], policy: Policy, points: Points) -> T:
        world = World(self._url, policy, points, count=self._nodes, left_out=self._left_out)
        try:
            return await play(world)
        finally:
            await world.close()

    async def _run(self, name: str, world: World, expected: Counts | None) -> Result:
        world.direct = name != KEPT_FIRST
        if way := CHATS.get(name):
            world.chat = Provider(world, way, hasty=self._hasty)
        script = Script(world)
        found = await self._play(SCRIPTS[name], script)
        world.points.counting = False
        await self._heal(world)
        books = self.books()
        witnesses = (script.sent, world.answered, world.relay.arrived, [node.name for node in world.running])
        found += ledger.violations(books, *witnesses, expected)
        return Result(world.points, books.counts, found, witnesses)

    def books(self) -> ledger.Books:
        """Read what the last run left."""
        with self._books.connect() as connection:
            return ledger.read(connection)

    async def _play(self, play: Callable[[Script], Awaitable[None]], script: Script) -> list[str]:
        await script.world.run(2.5, 1.0)  # until the nodes have started
        try:
            await play(script)
        except NeverCame as error:
            return [f"P1: {error}"]
        return []

    async def _heal(self, world: World) -> None:
        """Let the workers turn until nothing is pending and every node runs."""
        for pause in HEALING:
            await world.run(pause, min(pause, world.longest_step))
            if world.chat and world.chat.waiting:
                continue
            with self._books.connect() as connection:
                known = ledger.registered(connection) <= {node.name for node in world.running}
                if world.well and known and not ledger.pending(connection, world.now()):
                    return
