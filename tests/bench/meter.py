"""CPU time with all threads and memory as PSS of a process, from /proc."""

import os
import threading
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
EVERY = 0.25  # seconds between two looks at the memory


def cpu_seconds(pid: int) -> float:
    """Return user and system time of all threads: fields 14 and 15 of stat in proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def pss(pid: int) -> float:
    """Return megabytes (2**20) in memory; shared pages count in proportion."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise OSError(f"no Pss in smaps_rollup of {pid}")


class Meter:
    """Measures a process while entered. One sample takes a millisecond of our thread."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak = 0.0

    def __enter__(self) -> "Meter":
        self._cpu, self._own = cpu_seconds(self._pid), time.process_time()
        self.peak = pss(self._pid)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    @property
    def spent(self) -> float:
        """Return CPU seconds of the process since entering."""
        return cpu_seconds(self._pid) - self._cpu

    @property
    def own(self) -> float:
        """Return our own CPU seconds since entering."""
        return time.process_time() - self._own

    def _watch(self) -> None:
        while not self._end.wait(EVERY):
            try:
                self.peak = max(self.peak, pss(self._pid))
            except OSError:
                return  # it ended: the run that needs it reports that
