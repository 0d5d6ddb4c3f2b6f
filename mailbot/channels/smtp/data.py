"""A mail's text between socket and store: within memory and size limits, with CRLF line ends."""

import re

from mailbot.channels.smtp.limits import MemoryBudget
from mailbot.errors import Refused

END = b"\r\n.\r\n"  # nothing else ends a mail: "\n.\n", "\n.\r\n" and "\r.\r" serve SMTP smuggling
ANY_NEWLINE = re.compile(rb"\r\n|\r|\n")
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
    """Collects the parts of one mail.

    Once it can't be accepted, `refusal` holds the reply for the end of the text (RFC 5321 4.2.5: not before),
    and all its parts are dropped.
    """

    def __init__(self, memory: MemoryBudget, limit: int) -> None:
        self._memory, self._limit = memory, limit
        self._parts: list[bytes] = []
        self.refusal = ""
        self.received = 0  # bytes on the wire
        self.booked = 0  # bytes of `memory` that this mail holds

    @property
    def hopeless(self) -> bool:
        return self.received > ABORT_FACTOR * self._limit

    async def add(self, part: bytes) -> None:
        """Add the next part, waiting for room in memory."""
        self.received += len(part)
        if self.refusal:
            return
        # Dots in front of lines are sent twice and don't count (RFC 1870 4): the wire may hold a third more.
        if self.received > 2 * self._limit + len(END):
            self._drop(str(too_big(self._limit)))
        elif await self._memory.take(len(part)):
            self.booked += len(part)
            self._parts.append(part)
        else:
            self._drop("452 4.3.1 Too much mail at once, try again later")

    def content(self, *, repair: bool) -> bytes:
        """Return the mail with CRLF line ends.

        Raises Refused when it is too big, and for CR or LF on its own unless we are to `repair` that.
        """
        text = unstuff(b"".join(self._parts))
        self._parts.clear()
        if len(text) > self._limit:
            raise too_big(self._limit)
        if not has_bare_newlines(text):
            return text
        if not repair:
            raise Refused(550, "5.6.0 A line must end with CR LF, and one here does not")
        return normalise(text)

    def transfer_booking(self) -> int:
        """Return the booked bytes; the caller gives them back instead of us."""
        booked, self.booked = self.booked, 0
        return booked

    def close(self) -> None:
        self._parts.clear()
        self._memory.give_back(self.transfer_booking())

    def _drop(self, refusal: str) -> None:
        self.refusal = refusal
        self.close()
