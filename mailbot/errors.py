"""The few kinds of exception. Business outcomes are values, not exceptions."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in the configuration, its place and what to do about it.

    `line` and `column` count from 1; 0 means that the whole file is meant.
    `excerpt` is the source line, so that a caret can be drawn under the column.
    """

    file: str
    line: int
    column: int
    message: str
    hint: str = ""
    excerpt: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: " if self.line else f"{self.file}: "
        text = f"{where}{self.message}"
        if self.excerpt:
            text += f"\n    {self.excerpt}\n    {' ' * max(0, self.column - 1)}^"
        return f"{text}\n    {self.hint}" if self.hint else text


class ConfigError(Exception):
    """The configuration can't be used. It holds every problem found, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class Refused(Exception):
    """The listener's own permanent refusal (too big, unknown recipient): an SMTP reply in the 500s."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code, self.text = code, text


class StoreUnavailable(Exception):
    """The database can't take this work now. The same call may be made again.

    Nothing was written, unless it is CommitUnknown: what must not be done twice is guarded by keys and states.
    """


class StoreBusy(StoreUnavailable):
    """The database undid a transaction that may succeed at once: a conflict, a deadlock, a lock held too long."""


class CommitUnknown(StoreUnavailable):
    """The connection broke before the reply to a COMMIT: all of it was written, or nothing."""


class StoreFull(StoreUnavailable):
    """No space left for the database: what is kept is safe, nothing more can be taken."""


def install_hint(extra: str) -> str:
    """Return how to install the packages of an extra. Never by name: on PyPI that name is another project's."""
    return f"pip install '.[{extra}]' in the checkout, or pip install 'FILE.whl[{extra}]'"


class AlreadyRunning(Exception):
    """Another daemon holds this SQLite file (promise P11)."""
