"""Keeps a mail that the listener received: the commit before the 250."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from mailbot import log
from mailbot.domain.model import Envelope, ReadAhead
from mailbot.errors import StoreFull, StoreUnavailable
from mailbot.mail.parsing.fingerprint import fingerprint
from mailbot.metrics import Metrics
from mailbot.store import inbox
from mailbot.store.store import Store

KEEP_TIMEOUT = timedelta(seconds=55)  # the listener itself answers 451 after 60 s (promise P4)
RETRY_SECONDS = 0.5
FREE_BACKLOG = 100  # mails that may wait for intake before senders are slowed
MAX_DELAY = 1.0  # seconds that a sender waits at most
LARGE = 1_000_000  # bytes: a digest of that would delay other sessions


class Backpressure:
    """Slows senders when mail arrives faster than it is handled, as Postfix does by in_flow_delay.

    Otherwise a burst is accepted at once and answered late. It counts this node's mails alone.
    """

    def __init__(self) -> None:
        self._waiting = 0

    def kept(self) -> None:
        self._waiting += 1

    def handled(self, count: int, most: int) -> None:
        """Note that intake took `count` of the `most` it takes at once. Fewer means that nothing waits.

        Other nodes also take mail that we kept; without this reset the count would only grow.
        """
        self._waiting = max(0, self._waiting - count) if count == most else 0

    def delay(self) -> float:
        """Return the seconds to wait before the next mail: 1 ms for each waiting beyond FREE_BACKLOG."""
        return min(MAX_DELAY, max(0, self._waiting - FREE_BACKLOG) / 1000)


Keep = Callable[[inbox.ReceivedMail], Awaitable[inbox.Receipt]]  # returns after the commit


class MailAcceptor:
    """Keeps mails: call it with envelope and raw bytes. Without `backpressure` it never slows a sender.

    `keep` commits one mail; None: to the inbox, for intake.
    """

    def __init__(
        self,
        store: Store,
        metrics: Metrics,
        backpressure: Backpressure | None = None,
        keep: Keep | None = None,
    ) -> None:
        self._metrics, self._backpressure = metrics, backpressure
        self._keep_once = keep or (lambda mail: store.write(inbox.keep, mail, quick=True))

    async def __call__(
        self, envelope: Envelope, raw: bytes, read_ahead: ReadAhead | None = None, mark: str = ""
    ) -> int:
        """Keep a mail. `read_ahead` is what a front process has found out.

        `mark`: its fingerprint, where the bytes of a repetition may differ.

        Raises StoreFull at once, StoreUnavailable after KEEP_TIMEOUT.
        """
        day = envelope.received_at.date().isoformat()
        if self._backpressure and (delay := self._backpressure.delay()):
            await asyncio.sleep(delay)
        if mark:
            digest = mark
        elif read_ahead:
            digest = read_ahead.fingerprint
        elif len(raw) > LARGE:
            digest = await asyncio.to_thread(fingerprint, raw, day)
        else:
            digest = fingerprint(raw, day)
        receipt = await self._keep(inbox.ReceivedMail(digest, envelope, raw, read_ahead=read_ahead))
        if receipt.known:
            log.mail_duplicate(inbox_id=receipt.inbox_id)
        else:
            if self._backpressure and not receipt.decided:
                self._backpressure.kept()
            self._metrics.accepted.inc()
            log.mail_accepted(inbox_id=receipt.inbox_id, size=len(raw), peer=envelope.peer)
        return receipt.inbox_id

    async def _keep(self, mail: inbox.ReceivedMail) -> inbox.Receipt:
        deadline = asyncio.get_running_loop().time() + KEEP_TIMEOUT.total_seconds()
        while True:
            try:
                return await self._keep_once(mail)
            except StoreFull:
                raise  # waiting would not make room
            except StoreUnavailable:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
