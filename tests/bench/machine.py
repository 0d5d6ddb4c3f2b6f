"""Where and with what the figures were measured."""

import asyncio
import os
import platform
import sqlite3
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

from tests.bench.parts import fsync, load

LOADED = 1.0  # processes waiting for a core, over the last minute, above which figures mean little


def describe(folder: Path, versions: dict[str, str]) -> dict[str, Any]:
    """Return what a reader needs to judge or repeat the figures. `versions`: what each target is."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_version()}, {platform.python_compiler()}, {_build()}",
        "interpreter": sys.executable,
        "sqlite": sqlite3.sqlite_version,
        "fsync_ms": round(fsync.cost(folder), 3),
        "generator": round(asyncio.run(load.ceiling(1_000))),
        "load": round(os.getloadavg()[0], 2),
        "targets": versions,
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )


def _build() -> str:
    """Return how it was optimised, as far as its build says. Without PGO plain loops take a fifth longer."""
    given = sysconfig.get_config_var("CONFIG_ARGS") or ""
    told = [
        name for word, name in (("--enable-optimizations", "PGO"), ("--with-lto", "LTO")) if word in given
    ]
    if told:
        return f"built with {' and '.join(told)}"
    # Debian calls the profiled build in its own rules, and says so nowhere.
    return "of a distribution" if sys.base_prefix == "/usr" else "built without PGO and LTO"


def lines(machine: dict[str, Any]) -> list[str]:
    return [
        "{cores} cores ({processor}) shared with the generator, {kernel}, fsync {fsync_ms} ms".format(
            **machine
        ),
        "Python {python}, SQLite {sqlite}: {interpreter}".format(**machine),
        "The generator alone sends {generator:,} mails a second into its sink.".format(**machine),
        *(f"{name}: {version}" for name, version in machine["targets"].items()),
        *(
            ["The machine is busy with other things: trust the counts only."]
            if machine["load"] > LOADED
            else []
        ),
    ]
