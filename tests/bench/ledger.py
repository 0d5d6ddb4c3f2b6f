"""The history of each mail: when it was sent, accepted and acknowledged, and how often."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from math import nan

from tests.bench.corpus import Mail

IN_REPLY_TO = re.compile(rb"^in-reply-to:\s*<([^<>\s]+)>", re.IGNORECASE | re.MULTILINE)
NUMBER = re.compile(rb"^subject:\s*\[([A-Z]+-[0-9]+-[0-9])\]", re.IGNORECASE | re.MULTILINE)
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
        self.still_owed = 0  # mails that the daemon holds when the run is over
        self.troubles: Counter[str] = Counter()
        self._strays = 0
        self._numbers: Counter[bytes] = Counter()
        self._index = {mail.message_id: index for index, mail in enumerate(mails)}

    def sent(self, index: int, data_at: float, taken_at: float) -> None:
        self.data_at[index], self.taken_at[index] = data_at, taken_at
        self.taken += 1

    def refused(self, why: str) -> None:
        self.troubles[why[:100]] += 1

    def arrived(self, recipient: str, header: bytes) -> None:
        """Record a mail from the daemon. Mail to the staff is only counted."""
        answered = IN_REPLY_TO.search(header)
        if answered is None:
            self.others += 1
            return
        index = self._index.get(answered[1])
        if index is None or self.mails[index].sender != recipient:
            self._strays += 1
            return
        self.copies[index] += 1
        if self.copies[index] > 1:
            return
        self.answered_at[index] = self.clock()
        self.answered += 1
        number = NUMBER.search(header)
        self._numbers[number[1] if number else b""] += 1

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
        shared = sum(count for number, count in self._numbers.items() if number and count > 1)
        return {
            "missing": sum(1 for index in taken if not self.copies[index]),
            "double": sum(copies - 1 for copies in self.copies if copies > 1),
            "to somebody else": self._strays,
            "without a number": self._numbers[b""],
            "with another's number": shared,
            "mails not taken": len(self.mails) - len(taken),
            "still owed": self.still_owed,
        }
