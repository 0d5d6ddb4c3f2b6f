"""The parts of the bench: what is measured, on which targets, how large and how often."""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from mailbot.config.api import load as load_settings
from tests.bench import desk, stage
from tests.bench.figures import Run
from tests.bench.parts import (
    channels,
    commands,
    console,
    deadlines,
    fsync,
    imports,
    load,
    memory,
    pages,
    receipts,
    replay,
    rules,
    scale,
    search,
    simulate,
    start,
    worktime,
)
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
    "essential": ("new", "kept", "steady50", "steady200", "burst", "start", "commands"),
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """`steady`: mails at 50 and at 200 a second. `desks`: tickets of each. `seconds`: of commands by mail.

    `memory`: with the part that takes long.
    """

    runs: int
    fast: int
    steady: tuple[int, int]
    burst: int
    desks: tuple[int, ...]
    seconds: int
    sleepers: int
    punctual: int
    texts: int
    computations: int
    replayed: int
    simulated: int
    memory: bool
    seed: int = 1  # of the mails and of their moments


LONG = Sizes(
    3,
    3_000,
    (600, 1_500),
    2_000,
    (10_000, 100_000),
    20,
    1_000_000,
    1_000,
    100,
    1_000_000,
    10_000,
    100_000,
    memory=True,
)
QUICK = Sizes(1, 1_000, (250, 600), 1_000, (2_000,), 5, 100_000, 200, 30, 100_000, 1_000, 2_000, memory=False)


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
        "storm": lambda: _alone(
            f"{sizes.burst:,} complaints as one incident, a new connection each",
            lambda: load.storm(folder, load.new_each(sizes.burst, sizes.seed)),
            1,
        ),
        "console": lambda: Plan(
            "agents at the pages while 50 mails a second come",
            {
                f"{agents} agents": partial(console.once, folder, agents, sizes.steady[0], sizes.seed)
                for agents in (0, 50)
            },
            sizes.runs,
        ),
        "pages": lambda: _alone(
            f"pages and acts by keys in a browser, {max(sizes.desks):,} tickets",
            lambda: pages.once(large_desk(folder, max(sizes.desks), sizes.seed)),
            1,
        ),
        "start": lambda: _alone("exec to the first mail", lambda: start.once(folder), sizes.runs),
        "search": lambda: _alone(
            f"full text of {max(sizes.desks):,} tickets",
            lambda: search.once(large_desk(folder, max(sizes.desks), sizes.seed), 20, sizes.seed),
            1,
        ),
        "import": lambda: Plan(
            f"{max(sizes.desks):,} tickets of another desk, three messages each, and again",
            {
                what: partial(imports.once, folder, what, max(sizes.desks), sizes.seed)
                for what in (imports.RECORDS, imports.MBOX)
            },
            1,
        ),
        "commands": lambda: _alone(
            f"CPU of commands that read, {max(sizes.desks):,} tickets",
            lambda: commands.once(large_desk(folder, max(sizes.desks), sizes.seed)),
            sizes.runs,
        ),
        "scale": lambda: _scale(folder, sizes),
        "receipts": lambda: _alone(
            "an agent's commands by mail", lambda: receipts.once(folder, sizes.seconds), sizes.runs
        ),
        "channels": lambda: _alone(
            f"{sizes.fast // 3:,} messages of a program, {channels.CALLERS} calls at a time",
            lambda: channels.once(folder, sizes.fast // 3),
            sizes.runs,
        ),
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
        **({"memory": lambda: _memory(folder, targets)} if sizes.memory else {}),
    }


def _loads(folder: Path, sizes: Sizes, targets: Sequence[Target]) -> dict[str, Callable[[], Plan]]:
    seed = sizes.seed

    def plan(what: str, sent: load.Load) -> Callable[[], Plan]:
        columns = {target.name: partial(load.measure, folder, target, sent) for target in targets}
        return lambda: Plan(f"{sent.mails:,} mails, {what}", columns, sizes.runs)

    return {
        "new": plan(f"a new connection each, {load.CONNECTIONS} at a time", load.new_each(sizes.fast, seed)),
        "kept": plan(f"{load.CONNECTIONS} connections that are kept", load.kept(sizes.fast, seed)),
        "steady50": plan("50 a second, whenever they come", load.steady(sizes.steady[0], seed, 50)),
        "steady200": plan("200 a second, whenever they come", load.steady(sizes.steady[1], seed, 200)),
        "burst": plan(f"all at once, {load.CROWD} at a time", load.burst(sizes.burst, seed)),
    }


def _scale(folder: Path, sizes: Sizes) -> Plan:
    async def once(tickets: int) -> Run:
        return await scale.measure(large_desk(folder, tickets, sizes.seed))

    columns = {f"{tickets:,}": partial(once, tickets) for tickets in sizes.desks}
    return Plan("a year of so many tickets: queries and commands", columns, 1)


@cache
def large_desk(folder: Path, tickets: int, seed: int) -> Path:
    """Make a desk in a SQLite file for all parts that need one, and return its configuration."""
    place = folder / f"desk-{tickets}"
    config = desk.shipped(place, f"{place}/mailbot.db")
    desk.build(load_settings(config, os.environ), tickets, seed=seed)
    return config


def _alone(title: str, once: Once, runs: int) -> Plan:
    return Plan(title, {"sqlite": once}, runs)


def _on_desk(folder: Path, title: str, measure: Callable[[DaemonProcess], Awaitable[Run]]) -> Plan:
    async def once() -> Run:
        async with stage.desk(folder) as daemon:
            return await measure(daemon)

    return _alone(title, once, 1)


def _fsync(folder: Path, sizes: Sizes, targets: Sequence[Target]) -> Plan:
    """Run the load with slow syncs. Raises NotHere."""
    library, sent = fsync.build(folder), load.new_each(sizes.fast // 2, sizes.seed)
    columns = {target.name: partial(fsync.once, folder, target, library, sent) for target in targets}
    return Plan(f"{sent.mails:,} mails, a new connection each, slower syncs", columns, sizes.runs)


def _memory(folder: Path, targets: Sequence[Target]) -> Plan:
    columns = {
        target.name: partial(memory.once, folder, target) for target in targets if target.name == "sqlite"
    }
    return Plan(f"{memory.STOPS[-1]:,} mails through one daemon", columns, 1)
