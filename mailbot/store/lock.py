"""One daemon per SQLite file: a lock held for life, dropped by the kernel at its end (promise P11)."""

import fcntl
import os
from pathlib import Path
from types import TracebackType

from mailbot.errors import AlreadyRunning


class LifeLock:
    """Holds `<file>.lock` while it is open. Raises AlreadyRunning when another process holds it."""

    def __init__(self, database: str) -> None:
        path = Path(f"{database}.lock")
        self._file = path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip()
            self._file.close()
            who = f"process {holder}" if holder else "another process"
            raise AlreadyRunning(
                f"{database} is in use by {who}: a SQLite file takes one daemon. "
                "Stop that one, or put the store on PostgreSQL to run several."
            ) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def __enter__(self) -> "LifeLock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
