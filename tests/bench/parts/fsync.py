"""The same load with a slower fsync: shows whether the speed depends on a disk that does not sync."""

import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.figures import Run
from tests.bench.parts import load
from tests.bench.targets.target import NotHere, Target

SOURCE = Path(__file__).with_name("slow_fsync.c")
DELAYS = (5, 10)  # milliseconds

# What SQLite does for a commit, timed where the library below is loaded.
PROBE = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
db.execute("PRAGMA synchronous = FULL")
db.execute("CREATE TABLE IF NOT EXISTS t (x)")
start = time.perf_counter()
for _ in range(10):
    db.execute("INSERT INTO t VALUES (1)")
print((time.perf_counter() - start) * 100)
"""


def cost(folder: Path) -> float:
    """Measure the milliseconds of one fsync after a small write: the median of 100."""
    path, spans = folder / "probe", []
    with path.open("wb", buffering=0) as file:
        for _ in range(100):
            file.write(b"x" * 4096)
            start = time.perf_counter()
            os.fsync(file.fileno())
            spans.append(1000 * (time.perf_counter() - start))
    path.unlink()
    return statistics.median(spans)


def build(folder: Path) -> Path:
    """Build the library that delays fsync. Raises NotHere."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise NotHere("no C compiler here")
    library = folder / "slow_fsync.so"
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode:
        raise NotHere(f"{built.stderr.strip()[-200:]}")
    _try(library, folder)
    return library


def slowed(library: Path, delay: int) -> dict[str, str]:
    return {"LD_PRELOAD": str(library), "SLOW_FSYNC_MS": str(delay)}


def _try(library: Path, folder: Path) -> None:
    """Check that it affects the SQLite of Python, which may be linked statically."""
    command = [sys.executable, "-c", PROBE, str(folder / "probe.db")]
    env = {**os.environ, **slowed(library, DELAYS[0])}
    told = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    if float(told.stdout) < DELAYS[0]:
        raise NotHere(f"SQLite {sqlite3.sqlite_version} here syncs past the library that slows it")


async def once(folder: Path, target: Target, library: Path, sent: load.Load) -> Run:
    """Run with and without delays in turn, so that both see the same machine."""
    rates: dict[int, float] = {}
    faults: dict[str, int] = {}
    remarks: tuple[str, ...] = ()
    for delay in (0, *DELAYS):
        run = await load.measure(folder, target, sent, **slowed(library, delay))
        rates[delay] = run.measures["acknowledged (/s)"]
        faults = {name: count + faults.get(name, 0) for name, count in run.faults.items()}
        remarks += run.remarks
    measures = {"acknowledged (/s)": rates[0]}
    for delay in DELAYS:
        measures[f"acknowledged with {delay} ms (/s)"] = rates[delay]
        measures[f"lost with {delay} ms (%)"] = 100 * (1 - rates[delay] / rates[0])
    return Run(measures, faults, remarks)
