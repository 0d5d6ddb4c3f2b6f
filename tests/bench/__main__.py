"""Measure the real daemon and compare the figures with the goals: `python -m tests.bench [PART ...]`."""

import argparse
import asyncio
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import deadlines, fsync, load, memory, replay, rules, simulate, stage, start, worktime
from tests.bench.figures import Part, Run

LOADED = 1.0  # processes waiting for a core, over the last minute, above which figures mean little


@dataclass(frozen=True, slots=True)
class Plan:
    """One part: its description, one run of it, and the number of runs."""

    title: str
    once: Callable[[], Awaitable[Run]]
    runs: int


def long_plans(folder: Path, runs: int) -> dict[str, Callable[[], Plan]]:
    return {
        "start": lambda: Plan("exec to the first mail", lambda: start.once(folder), runs),
        **_loads(folder, runs, fast=4_000, steady=(400, 1_200), burst=2_000),
        "deadlines": lambda: _deadlines(folder, sleepers=1_000_000, rounds=3, punctual=1_000),
        "rules": lambda: Plan("routing one mail", lambda: rules.once(100), runs),
        "worktime": lambda: _worktime(1_000_000, runs),
        "replay": lambda: _replay(folder, 10_000),
        "simulate": lambda: _simulate(folder, 100_000),
        "fsync": lambda: _fsync(folder, 800, runs),
        "memory": lambda: Plan("20,000 mails, one daemon", lambda: memory.once(folder), 1),
    }


def quick_plans(folder: Path) -> dict[str, Callable[[], Plan]]:
    return {
        "start": lambda: Plan("exec to the first mail", lambda: start.once(folder), 1),
        **_loads(folder, 1, fast=1_500, steady=(200, 600), burst=1_000),
        "deadlines": lambda: _deadlines(folder, sleepers=100_000, rounds=1, punctual=200),
        "rules": lambda: Plan("routing one mail", lambda: rules.once(30), 1),
        "worktime": lambda: _worktime(100_000, 1),
        "replay": lambda: _replay(folder, 1_000),
        "simulate": lambda: _simulate(folder, 2_000),
        "fsync": lambda: _fsync(folder, 400, 1),
    }


def _loads(
    folder: Path, runs: int, *, fast: int, steady: tuple[int, int], burst: int
) -> dict[str, Callable[[], Plan]]:
    def plan(what: str, sent: load.Load) -> Callable[[], Plan]:
        return lambda: Plan(f"{sent.mails:,} mails, {what}", lambda: load.measure(folder, sent), runs)

    return {
        "new": plan(f"a new connection each, {load.CONNECTIONS} at a time", load.new_each(fast)),
        "kept": plan(f"{load.CONNECTIONS} connections that are kept", load.kept(fast)),
        "steady50": plan("50 a second, whenever they come", load.steady(steady[0], 50)),
        "steady200": plan("200 a second, whenever they come", load.steady(steady[1], 200)),
        "burst": plan(f"all at once, {load.CROWD} at a time", load.burst(burst)),
    }


def _worktime(count: int, runs: int) -> Plan:
    return Plan(f"{count:,} computations", lambda: worktime.once(count), runs)


def _deadlines(folder: Path, *, sleepers: int, rounds: int, punctual: int) -> Plan:
    async def once() -> Run:
        async with stage.empty(folder) as place:
            return await deadlines.once(place, sleepers, rounds, punctual)

    return Plan(f"{sleepers:,} open tickets, {rounds} x 500 due", once, 1)


def _replay(folder: Path, mails: int) -> Plan:
    async def once() -> Run:
        async with stage.empty(folder) as place:
            return await replay.once(place, mails)

    return Plan(f"rules diff over {mails:,} stored mails", once, 1)


def _simulate(folder: Path, count: int) -> Plan:
    async def once() -> Run:
        async with stage.empty(folder) as place:
            return await simulate.once(place, count)

    return Plan(f"a year of {count:,} tickets on a virtual clock", once, 1)


def _fsync(folder: Path, mails: int, runs: int) -> Plan:
    """Run the part with slow syncs. Raises NotHere."""
    library = fsync.build(folder)
    return Plan(
        f"{mails:,} mails, a new connection each, slower syncs",
        lambda: fsync.once(folder, library, mails),
        runs,
    )


async def measure(plans: dict[str, Callable[[], Plan]]) -> list[Part]:
    """Run every part and report it as soon as it is done."""
    parts = []
    for name, make in plans.items():
        began = time.perf_counter()
        try:
            plan = make()
        except fsync.NotHere as reason:
            print(f"{name}: {reason}\n", flush=True)
            continue
        runs = []
        for number in range(plan.runs):
            _say(f"{name}: run {number + 1} of {plan.runs} ...")
            runs.append(await plan.once())
        _say("")
        parts.append(Part(name, plan.title, runs, time.perf_counter() - began))
        print(f"{parts[-1].table()}\n", flush=True)
    return parts


def _say(text: str) -> None:
    """Show progress on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _machine(folder: Path) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "fsync_ms": round(fsync.cost(folder), 3),
    }


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    names = list(long_plans(Path(), 1))
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(names)}; all")
    parser.add_argument("--quick", action="store_true", help="one short run each, without memory")
    parser.add_argument("--runs", type=int, default=3, help="runs of each part (not with --quick)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument(
        "--folder", type=Path, default=Path("/var/tmp"), help="where the stores are made: a real disk"
    )
    chosen = parser.parse_args(words)
    if unknown := [name for name in chosen.parts if name not in names]:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(names)}")
    return chosen


def main(words: Sequence[str]) -> int:
    """Return 1 when a mail was lost or answered twice. A missed goal is only reported, because machines
    differ."""
    chosen = _arguments(words)
    folder = Path(tempfile.mkdtemp(prefix="mailbot-bench-", dir=chosen.folder))
    try:
        machine = _machine(folder)
        print(
            "mailbot bench: Python {python}, {cores} cores shared with the generator, load {load}, "
            "fsync {fsync_ms} ms".format(**machine)
        )
        if machine["load"] > LOADED:
            print("The machine is busy with other things: don't trust the figures, only the counts.")
        print("Each line: the median of the runs, smallest .. largest, the goal.\n", flush=True)
        plans = quick_plans(folder) if chosen.quick else long_plans(folder, chosen.runs)
        wanted = {name: plan for name, plan in plans.items() if name in (chosen.parts or plans)}
        parts = asyncio.run(measure(wanted))
    finally:
        shutil.rmtree(folder)
    if chosen.json:
        told = {"machine": machine, "parts": {part.name: part.as_json() for part in parts}}
        chosen.json.write_text(json.dumps(told, indent=2) + "\n")
    return int(any(any(part.faults.values()) for part in parts))


sys.exit(main(sys.argv[1:]))
