"""Run `make faults`: each await on store and relay fails in each way, and the promises must hold.

Every run has a virtual clock, a store of its own and a relay in memory. The same seed gives the same runs.
"""

import argparse
import gc
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.ledger import Counts
from tests.faults.points import Fault, Outcome, Point, fault
from tests.faults.run import Simulation
from tests.faults.script import SCRIPTS

FEWEST = 160  # points that are tried; --every tries all
LONGEST = 20  # seconds of CPU for a run, which takes about one
MOST = 5  # lines of a run that are printed
MEMORY = Path("/dev/shm")
NAMES = {"before": Outcome.BEFORE, "after": Outcome.AFTER, "never": Outcome.NEVER}


@dataclass(frozen=True, slots=True)
class Case:
    script: str
    point: Point
    outcome: str
    seed: int
    nodes: int
    left_out: tuple[str, ...]
    expected: Counts

    @property
    def fault(self) -> Fault:
        return fault(self.point.number, NAMES[self.outcome], self.seed)

    @property
    def command(self) -> str:
        options = (
            f"--seed {self.seed} --script {self.script} --point {self.point.number} --outcome {self.outcome}"
        )
        nodes = f" --nodes {self.nodes}" if self.nodes > 1 else ""
        return (
            f"python -m tests.faults {options}{nodes}{''.join(f' --leave-out {op}' for op in self.left_out)}"
        )


def main() -> int:
    options = _options()
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets is part of a run
        os.execve(sys.executable, [sys.executable, "-m", "tests.faults", *sys.argv[1:]], _environment())
    logging.disable(logging.CRITICAL)  # everything fails on purpose
    begun = time.monotonic()
    broken = 0
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory:
        cases = _cases(options, Path(directory))
        common = (directory, options.nodes, options.leave_out)
        with multiprocessing.get_context("fork").Pool(options.jobs, _begin, common) as pool:
            for case, found in pool.imap_unordered(_check, cases, chunksize=4):
                broken += bool(found)
                _print(case, found)
    points = len({(case.script, case.point.number) for case in cases})
    seconds = time.monotonic() - begun
    print(
        f"seed {options.seed}: {points} points, {len(cases)} runs in {seconds:.0f} s, {broken} with violations"
    )
    return 1 if broken else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the length and kind of trouble")
    parser.add_argument("--script", choices=SCRIPTS, action="append", help="only this one")
    parser.add_argument("--point", type=int, help="only this number")
    parser.add_argument("--outcome", choices=NAMES, action="append", help="only this one")
    parser.add_argument("--nodes", type=int, default=1, help="how many share the store")
    parser.add_argument("--every", action="store_true", help="also points that found nothing to do")
    left_out = "an operation of the store that does nothing, such as release_unheld: to see what it is for"
    parser.add_argument("--leave-out", action="append", default=[], metavar="OPERATION", help=left_out)
    parser.add_argument("--list", action="store_true", help="print the points")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONHASHSEED": "0"}


def _cases(options: argparse.Namespace, directory: Path) -> list[Case]:
    """Count the points of each script by a run without a fault, and plan each of them with each outcome."""
    found: list[tuple[str, Point, Counts]] = []
    simulation = Simulation(directory, options.nodes, frozenset(options.leave_out))
    for script in options.script or SCRIPTS:
        result = simulation.run(script)
        if result.violations:
            raise SystemExit(f"{script} is broken without a fault: {result.violations}")
        points = result.points.reached if options.every else result.points.selected()
        found += [(script, point, result.counts) for point in points if options.point in (None, point.number)]
        if options.list:
            print(script, *points, sep="\n  ")
    if not options.every:
        found = _spread(found)
    plan = (options.seed, options.nodes, tuple(options.leave_out))
    outcomes = options.outcome or NAMES
    return [Case(script, point, how, *plan, counts) for script, point, counts in found for how in outcomes]


def _spread(found: list[tuple[str, Point, Counts]]) -> list[tuple[str, Point, Counts]]:
    """Return FEWEST points: the first of each place in the code, then the second of each, and so on."""
    seen = Counter[str]()
    ranked = []
    for position, each in enumerate(found):
        seen[each[1].place] += 1
        ranked.append((seen[each[1].place], position))
    return [found[position] for _, position in sorted(sorted(ranked)[:FEWEST], key=lambda pair: pair[1])]


_simulation: Simulation


def _begin(directory: str, nodes: int, left_out: Sequence[str]) -> None:
    global _simulation
    own = Path(directory, str(os.getpid()))
    own.mkdir()
    gc.freeze()  # all that is imported; collecting it again and again takes a tenth of the time
    gc.set_threshold(50_000)
    signal.signal(signal.SIGPROF, _hangs)
    _simulation = Simulation(own, nodes, frozenset(left_out))


def _check(case: Case) -> tuple[Case, list[str]]:
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    try:
        return case, _simulation.run(case.script, case.fault, case.expected).violations
    except (Exception, Hangs) as error:
        return case, [f"the run itself failed: {type(error).__name__}: {error}"]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


class Hangs(SystemExit):
    """A run without an end. Not an Exception: the event loop would only log it."""


def _hangs(*_: object) -> None:
    raise Hangs(f"no end after {LONGEST} s")


def _print(case: Case, found: list[str]) -> None:
    if found:
        print(f"\nVIOLATION {case.script}, {case.point}: {case.fault}, seed {case.seed}")
        for line in found[:MOST]:
            print(f"    {line}")
        if len(found) > MOST:
            print(f"    and {len(found) - MOST} more")
        print(f"    repeat: {case.command}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
