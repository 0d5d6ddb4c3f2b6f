"""A mail's text between socket and store: in memory or in the spool, within its limit, with CRLF line ends."""

import asyncio
import errno
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from mailbot import log
from mailbot.errors import Refused

END = b"\r\n.\r\n"  # nothing else ends a mail: "\n.\n", "\n.\r\n" and "\r.\r" serve SMTP smuggling
ANY_NEWLINE = re.compile(rb"\r\n|\r|\n")
NO_SPACE = "452 4.3.1 Not enough space, try again later"
NOT_KEPT = "451 4.3.0 Could not keep the mail, try again later"
ABORT_FACTOR = 10  # times the size limit: beyond it we don't wait for the end to answer 552


def unstuff(wire: bytes) -> bytes:
    """Remove dot-stuffing from `wire`: CRLF (of the DATA command), the lines, END (RFC 5321 4.5.2)."""
    text = wire[:-3]  # the CRLF in END belongs to the last line
    return text.replace(b"\r\n.", b"\r\n")[2:]


def has_bare_newlines(text: bytes) -> bool:
    """Find a CR or LF on its own. Three counts cost a tenth of a regular expression."""
    pairs = text.count(b"\r\n")
    return text.count(b"\n") != pairs or text.count(b"\r") != pairs


def normalise(text: bytes) -> bytes:
    """Replace every CR and LF on its own by CRLF."""
    return ANY_NEWLINE.sub(b"\r\n", text)


def too_big(limit: int) -> Refused:
    return Refused(552, f"5.3.4 Mail is bigger than {limit} bytes")


class DataBuffer:
    """Collects the parts of one mail: up to `in_memory` bytes in memory, what is more in a file without a name.

    Once it can't be accepted, `refusal` holds the reply for the end of the text (RFC 5321 4.2.5: not before),
    and all its parts are dropped.
    """

    def __init__(self, limit: int, in_memory: int, spool: Path | None, has_space: Callable[[], bool]) -> None:
        self._limit, self._most_in_memory, self._spool, self._has_space = limit, in_memory, spool, has_space
        self._parts: list[bytes] = []
        self._in_memory = 0
        self._file: BinaryIO | None = None
        self.refusal = ""
        self.received = 0  # bytes on the wire

    @property
    def is_hopeless(self) -> bool:
        return self.received > ABORT_FACTOR * self._limit

    @property
    def is_large(self) -> bool:
        return self._file is not None

    @property
    def is_full(self) -> bool:
        """Return whether `spill` must come before more is added."""
        return self._in_memory > self._most_in_memory

    def add(self, part: bytes) -> None:
        """Add the next part."""
        self.received += len(part)
        if self.refusal:
            return
        # Dots in front of lines are sent twice and don't count (RFC 1870 4): the wire may hold a third more.
        if self.received > 2 * self._limit + len(END):
            self._drop(str(too_big(self._limit)))
            return
        self._parts.append(part)
        self._in_memory += len(part)

    def text(self, *, repair: bool) -> bytes:
        """Return a mail that is in memory, with CRLF line ends.

        Raises Refused when it can't be accepted or is too big, and for CR or LF on its own unless we are to
        `repair` that.
        """
        if self.refusal:
            code, _, reason = self.refusal.partition(" ")
            raise Refused(int(code), reason)
        return self._text(b"".join(self._parts), repair)

    async def content(self, *, repair: bool) -> bytes:
        """Return a large mail, as `text` does."""
        assert self._file is not None
        return await asyncio.to_thread(self._read, self._file, repair)

    def close(self) -> None:
        self._parts.clear()
        if self._file is not None:
            self._file.close()

    async def spill(self) -> None:
        """Move what is in memory to the file."""
        if not self._has_space():
            self._drop(NO_SPACE)
            return
        parts, self._parts, self._in_memory = self._parts, [], 0
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._spool)  # noqa: SIM115 (closed by `close`)
            await asyncio.to_thread(self._file.writelines, parts)
        except OSError as error:
            log.spool_failed(error=error)
            self._drop(NO_SPACE if error.errno in (errno.ENOSPC, errno.EDQUOT) else NOT_KEPT)

    def _read(self, file: BinaryIO, repair: bool) -> bytes:
        file.seek(0)
        return self._text(file.read() + b"".join(self._parts), repair)

    def _text(self, wire: bytes, repair: bool) -> bytes:
        text = unstuff(wire)
        if len(text) > self._limit:
            raise too_big(self._limit)
        if not has_bare_newlines(text):
            return text
        if not repair:
            raise Refused(550, "5.6.0 A line must end with CR LF, and one here does not")
        return normalise(text)

    def _drop(self, refusal: str) -> None:
        self.refusal = refusal
        self.close()
