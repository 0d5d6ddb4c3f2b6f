"""Measure mailbot with the shipped policy, Postfix in turn: `python -m tests.bench [PART ...]`.

Parts and groups of parts are named by --help. Each line of a table has the median of the runs, then the
smallest and the largest.
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.bench import goals, interpreter, machine, readme
from tests.bench.figures import Part, Run
from tests.bench.plans import GROUPS, LONG, QUICK, TARGETS, Plan, all_plans
from tests.bench.targets.mailbot import OnSqlite
from tests.bench.targets.target import NotHere, Target


async def measure(name: str, make: Callable[[], Plan]) -> Part:
    """Run a part: all its columns in turn, as often as planned. A column that fails is left out with its reason."""
    began = time.perf_counter()
    try:
        plan = make()
    except NotHere as reason:
        return Part(name, "left out", {}, (str(reason),))
    columns: dict[str, list[Run]] = {column: [] for column in plan.columns}
    failed: dict[str, str] = {}
    for number in range(plan.runs):
        for column, once in plan.columns.items():
            if column not in failed:
                _show(f"{name}: {column}, run {number + 1} of {plan.runs} ...")
                try:
                    columns[column].append(await once())
                except Exception as error:
                    failed[column] = f"{column}: FAILED: {type(error).__name__}: {error}"
    _show("")
    complete = {column: runs for column, runs in columns.items() if column not in failed}
    left_out = tuple(failed.values())
    return Part(name, plan.title, complete, left_out, bool(failed), time.perf_counter() - began)


def _show(text: str) -> None:
    """Show progress on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _here(wanted: Sequence[Target]) -> tuple[list[Target], dict[str, str]]:
    """Return what can be measured here, and the version of each or why it can't."""
    present, versions = [], {}
    for target in wanted:
        try:
            versions[target.name] = target.check()
            present.append(target)
        except NotHere as reason:
            versions[target.name] = f"left out: {reason}"
    return present, versions


def _targets(chosen: argparse.Namespace) -> list[Target]:
    before = [OnSqlite("before", root=chosen.against.resolve())] if chosen.against else []
    return [*before, *(TARGETS[name] for name in chosen.targets)]


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    names = list(all_plans(Path(), LONG, ()))
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    groups = "; ".join(f"{group} = {' '.join(parts)}" for group, parts in GROUPS.items())
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(names)}; {groups}")
    parser.add_argument("--quick", action="store_true", help="one short run each, without memory")
    parser.add_argument("--runs", type=int, help="runs of each part (3, or 1 with --quick)")
    parser.add_argument("--tickets", type=int, nargs="+", help="of the large desks (10,000 and 100,000)")
    parser.add_argument("--seed", type=int, default=1, help="of the mails and of their moments (1)")
    parser.add_argument("--targets", help=f"of {','.join(TARGETS)} (all; with --quick those of one process)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument(
        "--folder", type=Path, default=Path("/var/tmp"), help="where the stores are made: a real disk"
    )
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="measure that code too, as `before`")
    parser.add_argument(
        "--readme",
        type=Path,
        metavar="FILE",
        help="measure nothing: put the figures of a --json into README.md",
    )
    chosen = parser.parse_args(words)
    chosen.parts = [part for word in chosen.parts for part in GROUPS.get(word, (word,))] or names
    chosen.targets = chosen.targets.split(",") if chosen.targets else _usual(quick=chosen.quick)
    for what, given, known in (("part", chosen.parts, names), ("target", chosen.targets, TARGETS)):
        if unknown := [name for name in given if name not in known]:
            parser.error(f"there is no {what} {', '.join(unknown)}; there are {', '.join(known)}")
    return chosen


def _usual(*, quick: bool) -> list[str]:
    return [name for name in TARGETS if not quick or "-" not in name]


def main(words: Sequence[str]) -> int:
    """Return 1 when a mail was lost or answered twice, or a run failed. A missed goal is only reported, because
    machines differ."""
    chosen = _arguments(words)
    if chosen.readme:
        readme.rewrite(chosen.readme)
        return 0
    interpreter.switch(words)
    folder = Path(tempfile.mkdtemp(prefix="mailbot-bench-", dir=chosen.folder))
    folder.chmod(0o711)  # servers that run as a user of their own pass through
    try:
        targets, versions = _here(_targets(chosen))
        where = machine.describe(folder, versions)
        print("\n".join(machine.lines(where)) + "\n", flush=True)
        sizes = replace(QUICK if chosen.quick else LONG, seed=chosen.seed)
        desks = tuple(chosen.tickets or sizes.desks)
        sizes = replace(sizes, runs=chosen.runs or sizes.runs, desks=desks)
        parts = asyncio.run(_measure_all(chosen, all_plans(folder, sizes, targets), where))
    finally:
        shutil.rmtree(folder)
    print(goals.table(goals.judge(parts)))
    return int(any(part.broken or part.failed for part in parts))


async def _measure_all(
    chosen: argparse.Namespace, plans: Mapping[str, Callable[[], Plan]], where: Mapping[str, Any]
) -> list[Part]:
    """Run the chosen parts. What was measured is shown and kept at once: the rest may be interrupted."""
    parts: list[Part] = []
    for name in (name for name in plans if name in chosen.parts):
        parts.append(await measure(name, plans[name]))
        print(f"{parts[-1].table()}\n", flush=True)
        if chosen.json:
            figures = {part.name: part.as_json() for part in parts}
            told = {"machine": where, "seed": chosen.seed, "parts": figures, "goals": goals.judge(parts)}
            chosen.json.write_text(json.dumps(told, indent=2) + "\n")
    return parts


sys.exit(main(sys.argv[1:]))
