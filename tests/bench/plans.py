"""The parts of the bench: what is measured, on which targets, how large and how often."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.bench import deadlines, fsync, load, memory, replay, rules, simulate, stage, start, worktime
from tests.bench.figures import Run
from tests.bench.targets.mailbot import OnPostgres, OnSqlite
from tests.bench.targets.postfix import Postfix
from tests.bench.targets.target import Target
from tests.scenarios.harness import DaemonProcess

Once = Callable[[], Awaitable[Run]]

TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        Postfix(),
        OnSqlite(),
        OnSqlite("sqlite-2", processes=2),
        OnPostgres(),
        OnPostgres("postgres-2", processes=2),
    )
}
GROUPS = {
    "load": ("new", "kept", "steady50", "steady200", "burst"),
    "essential": ("new", "kept", "steady50", "steady200", "burst", "start"),
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """`steady`: mails at 50 and at 200 a second. `memory` 0 leaves that part out."""

    runs: int
    fast: int
    steady: tuple[int, int]
    burst: int
    sleepers: int
    punctual: int
    texts: int
    computations: int
    replayed: int
    simulated: int
    memory: tuple[int, ...]


LONG = Sizes(3, 3_000, (600, 1_500), 2_000, 1_000_000, 1_000, 100, 1_000_000, 10_000, 100_000, memory.STOPS)
QUICK = Sizes(1, 1_000, (250, 600), 1_000, 100_000, 200, 30, 100_000, 1_000, 2_000, ())


@dataclass(frozen=True, slots=True)
class Plan:
    """One part: its description, and one run of each column. The columns run in turn, `runs` times."""

    title: str
    columns: Mapping[str, Once]
    runs: int


def all_plans(folder: Path, sizes: Sizes, targets: Sequence[Target]) -> dict[str, Callable[[], Plan]]:
    """Return what makes the plan of each part. Making one raises NotHere where it can't be measured."""
    return {
        **_loads(folder, sizes, targets),
        "start": lambda: _alone("exec to the first mail", lambda: start.once(folder), sizes.runs),
        "deadlines": lambda: _on_desk(
            folder,
            f"{sizes.sleepers:,} open tickets, 500 due",
            lambda daemon: deadlines.once(daemon, sizes.sleepers, sizes.runs, sizes.punctual),
        ),
        "rules": lambda: _alone("routing one mail", lambda: rules.once(sizes.texts), sizes.runs),
        "worktime": lambda: _alone(
            f"{sizes.computations:,} computations", lambda: worktime.once(sizes.computations), sizes.runs
        ),
        "replay": lambda: _on_desk(
            folder,
            f"rules diff over {sizes.replayed:,} stored mails",
            lambda daemon: replay.once(daemon, sizes.replayed),
        ),
        "simulate": lambda: _on_desk(
            folder,
            f"a year of {sizes.simulated:,} tickets on a virtual clock",
            lambda daemon: simulate.once(daemon, sizes.simulated),
        ),
        "fsync": lambda: _fsync(folder, sizes, targets),
        **({"memory": lambda: _memory(folder, sizes, targets)} if sizes.memory else {}),
    }


def _loads(folder: Path, sizes: Sizes, targets: Sequence[Target]) -> dict[str, Callable[[], Plan]]:
    def plan(what: str, sent: load.Load) -> Callable[[], Plan]:
        columns = {target.name: partial(load.measure, folder, target, sent) for target in targets}
        return lambda: Plan(f"{sent.mails:,} mails, {what}", columns, sizes.runs)

    return {
        "new": plan(f"a new connection each, {load.CONNECTIONS} at a time", load.new_each(sizes.fast)),
        "kept": plan(f"{load.CONNECTIONS} connections that are kept", load.kept(sizes.fast)),
        "steady50": plan("50 a second, whenever they come", load.steady(sizes.steady[0], 50)),
        "steady200": plan("200 a second, whenever they come", load.steady(sizes.steady[1], 200)),
        "burst": plan(f"all at once, {load.CROWD} at a time", load.burst(sizes.burst)),
    }


def _alone(title: str, once: Once, runs: int) -> Plan:
    return Plan(title, {"sqlite": once}, runs)


def _on_desk(folder: Path, title: str, measure: Callable[[DaemonProcess], Awaitable[Run]]) -> Plan:
    async def once() -> Run:
        async with stage.desk(folder) as daemon:
            return await measure(daemon)

    return _alone(title, once, 1)


def _fsync(folder: Path, sizes: Sizes, targets: Sequence[Target]) -> Plan:
    """Run the load with slow syncs. Raises NotHere."""
    library, mails = fsync.build(folder), sizes.fast // 2
    columns = {target.name: partial(fsync.once, folder, target, library, mails) for target in targets}
    return Plan(f"{mails:,} mails, a new connection each, slower syncs", columns, sizes.runs)


def _memory(folder: Path, sizes: Sizes, targets: Sequence[Target]) -> Plan:
    columns = {
        target.name: partial(memory.once, folder, target) for target in targets if target.name == "sqlite"
    }
    return Plan(f"{sizes.memory[-1]:,} mails through one daemon", columns, 1)
