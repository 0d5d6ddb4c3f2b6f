"""Checks senders by SPF, DKIM and DMARC beside the intake: in threads of their own, each within its time.

Theory of operation. A check that takes too long ends without a result, and the mail goes on with the flag
"authentication-timeout". A domain whose DNS was too slow is not checked again for a minute. Beyond a number
of checks at once, or of bytes in memory for them, a mail goes on unchecked, with the same flag.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address

from mailbot import log
from mailbot.config.model import MIB, Trust
from mailbot.domain.model import Authentication, Envelope, InboundMail
from mailbot.mail.auth.dns_lookup import Lookup, TimeLimitReached
from mailbot.mail.auth.verify import ascii_domain, verify
from mailbot.metrics import Metrics

LIMIT = timedelta(seconds=5)  # for all look-ups of one mail together
GRACE = 0.5  # seconds more for the thread to return
THREADS = 32
MOST_RUNNING = 256  # checks
MOST_BYTES = 128 * MIB  # of mail in memory for them
SLOW_REST = 60.0  # seconds for which a slow domain is not checked
MOST_SLOW = 1000  # domains

TIMEOUT, ERROR = "authentication-timeout", "authentication-error"


class SenderChecks:
    """Called with a parsed mail, returns it with the result for its sender and perhaps a flag.

    `until` builds the look-up for one mail, which raises TimeLimitReached from a monotonic moment on.
    """

    def __init__(
        self,
        trust: Trust,
        until: Callable[[float], Lookup],
        metrics: Metrics,
        *,
        limit: timedelta = LIMIT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._trust, self._until, self._metrics = trust, until, metrics
        self._limit, self._monotonic = limit.total_seconds(), monotonic
        self._pool = ThreadPoolExecutor(THREADS, "sender")
        self._slow: dict[str, float] = {}  # domain -> when it may be checked again (monotonic)
        self._running = self._bytes = 0

    async def __call__(self, envelope: Envelope, raw: bytes, mail: InboundMail) -> InboundMail:
        if mail.authentication is not Authentication.NONE or not mail.sender:
            return mail  # a trusted host has checked it, or there is no sender
        if self._is_from_agents(envelope.peer):
            return mail
        domain = ascii_domain(mail.sender)
        if self._slow.get(domain, 0) > self._monotonic() or self._is_full(len(raw)):
            return self._flagged(mail, "timeout", TIMEOUT)
        self._running, self._bytes = self._running + 1, self._bytes + len(raw)
        try:
            return await self._check(envelope, raw, mail, domain)
        finally:
            self._running, self._bytes = self._running - 1, self._bytes - len(raw)

    def close(self) -> None:
        """Begin no new check. Those under way end within their time."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _check(self, envelope: Envelope, raw: bytes, mail: InboundMail, domain: str) -> InboundMail:
        end = self._monotonic() + self._limit
        work = asyncio.get_running_loop().run_in_executor(self._pool, self._verify, envelope, raw, mail, end)
        try:
            async with asyncio.timeout(self._limit + GRACE):
                result, seconds = await work
        except TimeoutError:  # it never got a thread: the domain is not to blame
            return self._flagged(mail, "timeout", TIMEOUT)
        if isinstance(result, Authentication):
            return self._flagged(replace(mail, authentication=result), result.value)
        if isinstance(result, TimeLimitReached):
            if seconds > self._limit / 2:
                self._remember(domain)
            return self._flagged(mail, "timeout", TIMEOUT)
        log.sender_check_failed(error=result)
        return self._flagged(mail, "error", ERROR)

    def _verify(
        self, envelope: Envelope, raw: bytes, mail: InboundMail, end: float
    ) -> tuple[Authentication | Exception, float]:
        """Return, in a thread, the result and the seconds that it took."""
        begun = self._monotonic()
        direct = self._is_direct(envelope.peer)
        try:
            result: Authentication | Exception = verify(
                raw, mail.sender, envelope, self._until(end), direct=direct
            )
        except Exception as error:  # no text in a mail or in DNS may cost us the mail
            result = error
        return result, self._monotonic() - begun

    def _flagged(self, mail: InboundMail, result: str, *flags: str) -> InboundMail:
        self._metrics.authenticated.labels(result).inc()
        return replace(mail, flags=(*mail.flags, *flags))

    def _remember(self, domain: str) -> None:
        if len(self._slow) >= MOST_SLOW:
            self._slow.clear()
        self._slow[domain] = self._monotonic() + SLOW_REST

    def _is_full(self, size: int) -> bool:
        return self._running >= MOST_RUNNING or (self._running > 0 and self._bytes + size > MOST_BYTES)

    def _is_from_agents(self, peer: str) -> bool:
        """Return whether agents submit from there: their mail is not yet signed, and no SPF record lists
        it.
        """
        return bool(peer) and any(ip_address(peer) in network for network in self._trust.agent_networks)

    def _is_direct(self, peer: str) -> bool:
        """Return whether the peer may be the sender's own server: no trusted front or proxy, not this
        machine.
        """
        if not peer:
            return False
        address, ours = ip_address(peer), (*self._trust.front_networks, *self._trust.proxy_networks)
        return not address.is_loopback and not any(address in network for network in ours)
