"""CPU of shell commands that only read, at a desk of many tickets, beside what their imports alone take."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from tests.bench.figures import Run
from tests.scenarios.harness import ROOT

FLOOR = ("-c", "import sqlalchemy, click")
NUMBER = "NUMBER"  # stands for the number of the newest ticket
COMMANDS = (
    ("--version",),
    ("ticket", "list"),
    ("ticket", "show", NUMBER),
    ("ticket", "search", "pesanan"),
    ("status",),
    ("inbox", "list"),
    ("outbox", "list"),
    ("suppression", "list"),
    ("compensation", "list"),
)


async def once(config: Path) -> Run:
    """Run each command once on the store of this configuration."""
    _, newest = await asyncio.to_thread(_run, _words(config, "ticket", "list", "--limit", "1", "--json"))
    number = newest.partition("TOKO-")[2][:10]
    floor, _ = await asyncio.to_thread(_run, FLOOR)
    measures = {"Python and its imports, CPU (s)": floor}
    for command in COMMANDS:
        words = [f"TOKO-{number}" if word == NUMBER else word for word in command]
        cpu, _ = await asyncio.to_thread(_run, _words(config, *words))
        measures[f"{' '.join(command)}, CPU (s)"] = cpu
    return Run(measures)


def _words(config: Path, *words: str) -> tuple[str, ...]:
    given = () if words == ("--version",) else ("--config", str(config))
    return ("-m", "mailbot", *words, *given)


def _run(words: tuple[str, ...]) -> tuple[float, str]:
    """Return the CPU seconds of a process, and its output."""
    with subprocess.Popen(
        (sys.executable, *words), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        told = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 1), words  # 1: the answer is no
    return used.ru_utime + used.ru_stime, told
