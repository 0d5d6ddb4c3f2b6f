"""Which mails were being decided when a process died: written without a sync to a mapped file, which survives a kill.

Theory of operation. A mail that is decided before it is kept leaves no trace in the store when it kills the process,
and its sender tries again. So the fingerprints of a group stand in the file while it is decided. The next process
finds them there, and keeps such mails alone, with an attempt counted, before anything is decided about them.
"""

import fcntl
import mmap
import os
from collections.abc import Sequence
from pathlib import Path

LENGTH = 64  # of a fingerprint: SHA-256 in hexadecimal
SLOTS = 32  # mails that are decided at once, at most
MOST = 100  # suspects that are remembered
ENTRY = LENGTH + 1  # of a suspect: with its attempts, a digit
SIZE = SLOTS * LENGTH + MOST * ENTRY
MOST_FILES = 64  # processes on one store and machine


class Suspects:
    """The file of one process. The first free one of `path`, `path`.1, ... is taken for its life."""

    def __init__(self, path: Path) -> None:
        self._file = _lock_first(path)
        os.ftruncate(self._file, SIZE)
        self._map = mmap.mmap(self._file, SIZE)
        self._attempts = self._read()
        for fingerprint in self._under_way():
            self._attempts[fingerprint] = min(9, self._attempts.pop(fingerprint, 0) + 1)
        self._save()
        self._map[: SLOTS * LENGTH] = bytes(SLOTS * LENGTH)

    def attempts(self, fingerprint: str) -> int:
        """Return how many processes died while they decided about this mail."""
        return self._attempts.get(fingerprint, 0)

    def forget(self, fingerprint: str) -> None:
        """Forget a suspect: the store has it by now, and counts."""
        if self._attempts.pop(fingerprint, 0):
            self._save()

    def begin(self, fingerprints: Sequence[str]) -> None:
        """Note that these mails, at most SLOTS, are being decided."""
        text = b"".join(each.encode()[:LENGTH].ljust(LENGTH, b"\0") for each in fingerprints)
        self._map[: len(text)] = text

    def end(self) -> None:
        """Note that no mail is being decided."""
        self._map[: SLOTS * LENGTH] = bytes(SLOTS * LENGTH)

    def close(self) -> None:
        self._map.close()
        os.close(self._file)

    def _under_way(self) -> list[str]:
        text = bytes(self._map[: SLOTS * LENGTH])
        found = (text[at : at + LENGTH] for at in range(0, len(text), LENGTH))
        return [each.decode() for each in found if is_fingerprint(each)]

    def _read(self) -> dict[str, int]:
        text = bytes(self._map[SLOTS * LENGTH :])
        found = (text[at : at + ENTRY] for at in range(0, len(text), ENTRY))
        return {
            each[:LENGTH].decode(): int(each[LENGTH:])
            for each in found
            if is_fingerprint(each[:LENGTH]) and each[LENGTH:].isdigit()
        }

    def _save(self) -> None:
        newest = list(self._attempts.items())[-MOST:]
        self._attempts = dict(newest)
        text = "".join(f"{fingerprint}{count}" for fingerprint, count in newest).encode()
        self._map[SLOTS * LENGTH :] = text.ljust(MOST * ENTRY, b"\0")


def is_fingerprint(text: bytes) -> bool:
    return len(text) == LENGTH and all(byte in b"0123456789abcdef" for byte in text)


def _lock_first(path: Path) -> int:
    for number in range(MOST_FILES):
        name = path.with_name(f"{path.name}.{number}") if number else path
        file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
        else:
            return file
    raise OSError(f"{MOST_FILES} processes have files like {path} open")
