"""The history of each mail: when it was sent, accepted and acknowledged, and how often."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from math import nan

from tests.bench.corpus import Mail

MESSAGE_ID = re.compile(rb"^message-id:\s*<([^<>\s]+)>", re.IGNORECASE | re.MULTILINE)
IN_REPLY_TO = re.compile(rb"^in-reply-to:\s*<([^<>\s]+)>", re.IGNORECASE | re.MULTILINE)
NUMBER = re.compile(rb"^subject:(?:[^\r]|\r\n[ \t])*?\[([A-Z]+-[0-9]+-[0-9])\]", re.IGNORECASE | re.MULTILINE)
PATIENCE = 15.0  # seconds without any acknowledgement after which the rest counts as missing


class Ledger:
    """The ledger of one run, one entry for a mail. Times are seconds of `time.perf_counter`; nan means
    never."""

    def __init__(self, mails: Sequence[Mail], *, clock: Callable[[], float] = time.perf_counter) -> None:
        self.mails, self.clock = mails, clock
        self.wanted_at = [nan] * len(mails)  # when it should have left, in an open loop
        self.began_at = [nan] * len(mails)
        self.data_at = [nan] * len(mails)  # its last byte went out
        self.taken_at = [nan] * len(mails)  # the 250 to it came
        self.answered_at = [nan] * len(mails)  # its acknowledgement had come wholly
        self.copies = [0] * len(mails)
        self.taken = self.answered = self.others = 0
        self.still_owed = 0  # mails that the server holds when the run is over
        self.troubles: Counter[str] = Counter()
        self._strays = 0
        self._numbers: Counter[bytes] = Counter()
        self._notices: Counter[bytes] = Counter()  # Message-IDs of mail to the staff
        self._index = {mail.message_id: index for index, mail in enumerate(mails)}

    def sent(self, index: int, data_at: float, taken_at: float) -> None:
        self.data_at[index], self.taken_at[index] = data_at, taken_at
        self.taken += 1

    def refused(self, why: str) -> None:
        self.troubles[why[:100]] += 1

    def arrived(self, recipient: str, header: bytes) -> None:
        """Record a mail of mailbot: an acknowledgement, or a notice to the staff."""
        answered = IN_REPLY_TO.search(header)
        if answered is None:
            self.others += 1
            its = MESSAGE_ID.search(header)
            self._notices[its[1] if its else b""] += 1
        elif self._answers(answered[1], recipient):
            number = NUMBER.search(header)
            self._numbers[number[1] if number else b""] += 1

    def relayed(self, recipient: str, header: bytes) -> None:
        """Record a mail that comes out of a mere relay as it went in."""
        its = MESSAGE_ID.search(header)
        self._answers(its[1] if its else b"", None)

    def _answers(self, message_id: bytes, recipient: str | None) -> bool:
        """Record the answer to a mail; its first one gives True. A recipient must be its sender."""
        index = self._index.get(message_id)
        if index is None or recipient not in (None, self.mails[index].sender):
            self._strays += 1
            return False
        self.copies[index] += 1
        if self.copies[index] > 1:
            return False
        self.answered_at[index] = self.clock()
        self.answered += 1
        return True

    async def all_answered(self, patience: float = PATIENCE) -> None:
        """Wait until every accepted mail is acknowledged, or nothing has come for the given time."""
        seen, since = -1, self.clock()
        while self.answered < self.taken and self.clock() - since < patience:
            if self.answered != seen:
                seen, since = self.answered, self.clock()
            await asyncio.sleep(0.01)

    def faults(self) -> dict[str, int]:
        """Return counts that must be 0. An acknowledged mail whose 250 was lost is no fault."""
        taken = [index for index, at in enumerate(self.taken_at) if at == at]
        return {
            "missing": sum(1 for index in taken if not self.copies[index]),
            "double": sum(copies - 1 for copies in self.copies if copies > 1),
            "to somebody else": self._strays,
            "without a number": self._numbers[b""],
            "with another's number": sum(n for number, n in self._numbers.items() if number and n > 1),
            "notices double": sum(count - 1 for count in self._notices.values()),
            "tickets without a notice": len(self._numbers.keys() - {b""} - self._noticed()),
            "still owed": self.still_owed,
        }

    def _noticed(self) -> set[bytes]:
        """Return the numbers in Message-IDs of notices: <mb.toko-48217390-8. ...>."""
        return {its.split(b".")[1].upper() for its in self._notices if its.startswith(b"mb.")}
