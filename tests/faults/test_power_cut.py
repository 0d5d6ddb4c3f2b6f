"""The power fails between any two commits: what was not flushed is lost or torn, and the promises hold.

A commit in WAL mode with `synchronous = FULL` flushes the log before it returns. So the state after a cut is the
log up to the last commit, and of the next one any part, whole or as rubbish.
"""

from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import create_engine, text

from mailbot.store.engine import open_engine
from tests.faults import ledger
from tests.faults.points import Points
from tests.faults.run import Simulation
from tests.faults.script import SCRIPTS, Script, policy
from tests.faults.world import World
from tests.profile import NIGHTLY, sample

SEED = 1
FRAME = 4096 + 24  # bytes in the log for each page


@dataclass(frozen=True, slots=True)
class Commit:
    """`size` of the log after it. What people and the relay had seen before it: counts."""

    size: int
    sent: int
    answered: int
    arrived: int


class PowerCut(Simulation):
    """Records the log of one run. Then it starts again from what a power cut leaves of it."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.commits: list[Commit] = []
        self._log = directory / "run.db-wal"
        self._empty = self._template.read_bytes()
        self._script: Script

    def record(self) -> None:
        self.in_world(self._record, policy(), Points())

    async def _record(self, world: World) -> None:
        self._script = script = Script(world)
        seen = (0, 0, 0)

        def before() -> None:
            nonlocal seen
            seen = (len(script.sent), len(world.answered), len(world.relay.arrived))

        def after() -> None:
            self.commits.append(Commit(self._log.stat().st_size, *seen))

        world.before_commit, world.after_commit = before, after
        await world.run(2.5, 1.0)
        await SCRIPTS["conversation"](script)
        await self._heal(world)
        self.log = self._log.read_bytes()

    def cut(self, position: int, torn: str, flushed: int | None = None) -> list[str]:
        """Cut the power during the commit at `position`. Returns what is broken after a new start.

        `flushed`: the last commit that the disk really has, by default the one before.
        """
        last = self.commits[position - 1 if flushed is None else flushed]
        under_way = self.commits[position]
        log = self.log[: last.size] + _left(self.log[last.size : under_way.size], torn)
        self._template.write_bytes(self._empty)
        self._template.with_name("template.db-wal").write_bytes(log)
        engine = create_engine(f"sqlite:///{self._template}")
        with engine.connect() as connection:
            checked = connection.execute(text("PRAGMA integrity_check")).scalar_one()
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        engine.dispose()
        found = [] if checked == "ok" else [f"P1: {checked}"]
        return found + self.in_world(lambda world: self._go_on(world, under_way), policy(), Points())

    async def _go_on(self, world: World, commit: Commit) -> list[str]:
        """Start on what is left. People send again what got no 250, and the ledger knows both lives."""
        world.prefix = "m"
        await world.run(2.5, 1.0)
        await self._heal(world)
        before = self._script.world
        answered = before.answered[: commit.answered]
        arrived = before.relay.arrived[: commit.arrived] + world.relay.arrived
        kept = {message_id for message_id, _ in answered}
        running = [node.name for node in world.running]
        books = self.books()
        found = ledger.violations(books, kept, answered, arrived, running, None)
        return [line for line in found if not line.startswith("P2") or "0 times" in line or "became" in line]


def _left(unflushed: bytes, torn: str) -> bytes:
    """Return what the disk has of a write that was never flushed."""
    random = Random(f"{SEED} {torn} {len(unflushed)}")
    if torn == "nothing":
        return b""
    if torn == "torn":
        return unflushed[: random.randrange(1, max(2, len(unflushed)))]
    if torn == "all but its last page":
        return unflushed[:-FRAME] + bytes(min(FRAME, len(unflushed)))
    return random.randbytes(len(unflushed))


@pytest.fixture(scope="module")
def power_cut(tmp_path_factory: pytest.TempPathFactory) -> PowerCut:
    recorded = PowerCut(tmp_path_factory.mktemp("power"))
    recorded.record()
    return recorded


@pytest.mark.parametrize("torn", ["nothing", "torn", "all but its last page", "rubbish"])
def test_p1_p3_after_a_power_cut_at_any_commit_each_250_is_kept_and_each_copy_marked(
    power_cut: PowerCut, torn: str
) -> None:
    assert len(power_cut.commits) > 20
    positions = range(1, len(power_cut.commits))
    for position in positions if NIGHTLY else sample(positions, 6):
        assert power_cut.cut(position, torn) == [], f"commit {position}, {torn}, seed {SEED}"


def test_a_disk_that_lies_about_a_flush_is_found_out(power_cut: PowerCut) -> None:
    found = power_cut.cut(len(power_cut.commits) - 1, "nothing", flushed=3)
    assert any(line.startswith("P1: ") for line in found)
    assert any("is in no outbox row" in line for line in found)


def test_p1_every_connection_flushes_the_log_at_each_commit(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/mailbot.db")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
    engine.dispose()
