"""Limits per address that hold for several processes together, in memory that they share.

Theory of operation. Each process counts its clients in a row of its own, so no lock is needed; the sum of a column is
what all have. The supervisor clears the row of a process that has ended. Rates and known peers have one value for all:
of two writes at the same moment one may be lost, which is one mail more. An address is a slot by a keyed hash, so that
nobody can choose one that shares its slot with another.
"""

import hashlib
import mmap
import os
import secrets
from datetime import UTC, datetime

SLOTS = 1 << 16
ROW = SLOTS * 2  # bytes
_TIMES = SLOTS * 8


class SharedLimits:
    """The memory, as the supervisor makes it and hands out its rows: enough for processes and their successors."""

    def __init__(self, processes: int) -> None:
        self.rows = 2 * processes
        self.key = secrets.token_bytes(16)
        self.file = os.memfd_create("mailbot-limits")
        os.ftruncate(self.file, _size(self.rows))
        self._free = list(range(self.rows))

    def take_row(self) -> int:
        return self._free.pop()

    def give_back(self, row: int) -> None:
        """Forget the clients of a process that has ended."""
        os.pwrite(self.file, bytes(ROW), 2 * _TIMES + row * ROW)
        self._free.append(row)


def _size(rows: int) -> int:
    return 2 * _TIMES + rows * ROW


class SharedCounts:
    """The view of one process, which has `row` of `rows`. `file` stays the caller's; `key` is the same for all."""

    def __init__(self, file: int, row: int, rows: int, key: bytes) -> None:
        memory = memoryview(mmap.mmap(file, _size(rows)))
        self._until, self._known = memory[:_TIMES].cast("d"), memory[_TIMES : 2 * _TIMES].cast("d")
        self._counts, self._key = memory[2 * _TIMES :].cast("H"), key
        self._row = row * SLOTS

    def _slot(self, address: str) -> int:
        return int.from_bytes(hashlib.blake2s(address.encode(), key=self._key, digest_size=2).digest(), "big")

    def add(self, address: str, by: int) -> None:
        """Count a client of ours more, or less."""
        at = self._row + self._slot(address)
        self._counts[at] = max(0, min(65535, self._counts[at] + by))

    def clients(self, address: str) -> int:
        """Return how many clients all processes have of this address."""
        return sum(self._counts[self._slot(address) :: SLOTS].tolist())

    def until(self, address: str) -> datetime | None:
        """Return until when the rate of this address is used up; None when it never was."""
        return _read(self._until[self._slot(address)])

    def set_until(self, address: str, until: datetime) -> None:
        self._until[self._slot(address)] = until.timestamp()

    def known_at(self, address: str) -> datetime | None:
        """Return when a mail of this address was accepted last."""
        return _read(self._known[self._slot(address)])

    def set_known(self, address: str, at: datetime) -> None:
        self._known[self._slot(address)] = at.timestamp()


def _read(seconds: float) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
