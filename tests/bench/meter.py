"""CPU time and memory (PSS) of trees of processes, from /proc."""

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
EVERY = 0.25  # seconds between two looks at the memory
SHARE = 0.02  # of a core that these looks may take at most: Postfix has a hundred processes


def cpu_seconds(roots: Sequence[int]) -> float:
    """Return user and system time of the trees with all threads and all processes that ended.

    Fields 14 to 17 of stat in proc(5): who waits for a child that ended gets its time.
    """
    found = _processes()
    return sum(sum(map(int, found[pid][11:15])) for pid in _tree(found, roots)) / TICKS


def pss(roots: Sequence[int]) -> float:
    """Return megabytes (2**20) in memory; shared pages count in proportion."""
    return sum(_pss(pid) for pid in _tree(_processes(), roots)) / 1024


def _processes() -> dict[int, list[str]]:
    """Return the fields of stat of each process, from the third on."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            found[int(name)] = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended
            continue
    return found


def _tree(found: dict[int, list[str]], roots: Sequence[int]) -> list[int]:
    children: dict[int, list[int]] = {}
    for pid, fields in found.items():
        children.setdefault(int(fields[1]), []).append(pid)
    tree = [pid for pid in roots if pid in found]
    for pid in tree:  # it grows
        tree += children.get(pid, ())
    return tree


def _pss(pid: int) -> int:
    """Return kilobytes, 0 for a process that ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


class Meter:
    """Measures trees of processes while entered."""

    def __init__(self, roots: Sequence[int]) -> None:
        self._roots = roots
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak = 0.0

    def __enter__(self) -> "Meter":
        self._cpu, self._own = cpu_seconds(self._roots), time.process_time()
        self.peak = pss(self._roots)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    @property
    def spent(self) -> float:
        """Return CPU seconds of the trees since entering."""
        return cpu_seconds(self._roots) - self._cpu

    @property
    def own(self) -> float:
        """Return our own CPU seconds since entering, without those of the measuring thread."""
        return time.process_time() - self._own - self._looking

    _looking = 0.0

    def _watch(self) -> None:
        pause = EVERY
        while not self._end.wait(pause):
            self.peak = max(self.peak, pss(self._roots))
            took, self._looking = time.thread_time() - self._looking, time.thread_time()
            pause = max(EVERY, took / SHARE)
