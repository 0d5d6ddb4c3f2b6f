"""Renders log lines as JSON or as text, and writes those of one turn of the event loop together.

Theory of operation. A write for each line costs as much as its rendering, and a mail has four lines. So a line waits
until the event loop comes round, some milliseconds later. A line from another thread, or without an event loop, is
written at once with all that wait. A killed process loses the lines of one turn; any other end flushes them.
"""

import asyncio
import json
import logging
import re
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, TextIO

from mailbot.errors import StoreUnavailable

MOST_WAITING = 65_536  # characters
LONGEST_VALUE = 2_000  # characters: no mail can flood the log
LONGEST_ERROR = 300
LONGEST_TRACEBACK = 8_000
_QUOTED_INPUT = re.compile(r"input_value=.*, (input_type=\w+\])")

Fields = dict[str, Any]
Renderer = Callable[[Fields], str]


class LogOutput(logging.Handler):
    """The output of all lines: ours come by `put`, and through `logging` those of other libraries."""

    def __init__(self, stream: TextIO, render: Renderer) -> None:
        super().__init__()
        self._stream, self._render = stream, render
        self._waiting: list[str] = []
        self._size = 0  # characters that wait
        self._loop: asyncio.AbstractEventLoop | None = None  # that flushes them
        self._guard = threading.RLock()

    def put(self, at: float, severity: str, event: str, fields: Fields) -> None:
        """Add a line. `at`: seconds since 1970."""
        line = self._render({"at": _timestamp(at), "severity": severity, "event": event, **fields})
        loop = asyncio._get_running_loop()
        with self._guard:
            scheduled = bool(self._waiting) and loop is self._loop
            self._waiting.append(line)
            self._size += len(line)
            if loop is None or self._size > MOST_WAITING:
                self.flush()
            elif not scheduled:
                self._loop = loop
                loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write all lines that wait. Those that can't be written are lost: mail goes on with a full disk."""
        with self._guard:
            if self._waiting:
                text, self._waiting, self._size = "\n".join([*self._waiting, ""]), [], 0
                try:
                    self._stream.write(text)
                    self._stream.flush()
                except (OSError, ValueError):  # ValueError: the stream is closed
                    pass

    def emit(self, record: logging.LogRecord) -> None:
        """Add a line of another library."""
        fields = {"logger": record.name} if not hasattr(record, "fields") else record.__dict__["fields"]
        error = record.exc_info[1] if record.exc_info else None
        event = bounded(record.getMessage(), LONGEST_VALUE)
        self.put(record.created, record.levelname.lower(), event, {**fields, **trace(error)})


def as_json(line: Fields) -> str:
    """Render a line. ASCII only: every control character is escaped."""
    return _encode(line)


def as_text(line: Fields) -> str:
    """Render key=value on one line. A traceback follows indented: none of its lines can pass for a field."""
    exception = str(line.pop("exception", ""))
    lines = [_logfmt()(None, "", line), *(f"    {each}" for each in exception.splitlines())]
    return "\n".join(map(_printable, lines))


def plain(value: object) -> object:
    """Return a field's value as a number, a bounded text, or a list of those."""
    match value:
        case str():
            return bounded(value, LONGEST_VALUE)
        case int() | None:
            return value
        case float():
            return round(value, 3)
        case timedelta():
            return round(value.total_seconds(), 3)
        case BaseException():
            return bounded(_without_input(f"{type(value).__name__}: {value}"), LONGEST_ERROR)
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
    return bounded(str(value), LONGEST_VALUE)


def trace(error: object) -> Fields:
    """Return nothing for an unavailable store: its traceback would be the same each time."""
    if not isinstance(error, BaseException) or isinstance(error, StoreUnavailable):
        return {}
    text = _without_input("".join(traceback.format_exception(error)))
    return {"exception": text[-LONGEST_TRACEBACK:]}


def bounded(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def _without_input(text: str) -> str:
    """Cut what pydantic quotes of the value that it refused: that may be a customer's text."""
    return _QUOTED_INPUT.sub(r"\1", text)


def _timestamp(at: float) -> str:
    second = int(at)
    return f"{_second(second)}.{int((at - second) * 1000):03}+00:00"


@lru_cache(maxsize=1)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@cache
def _logfmt() -> Callable[..., str]:
    from structlog.processors import LogfmtRenderer  # it takes 80 ms to import, and a daemon writes JSON

    return LogfmtRenderer(bool_as_flag=False)


def _printable(text: str) -> str:
    """Escape control characters, line separators and bidirectional overrides."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


_encode = json.JSONEncoder().encode
