"""Checks of senders beside the intake: in threads of their own, each within its time, never in anybody's way.

Theory of operation. A check that takes too long ends as "nobody said anything", and the mail goes on with the
flag "authentication-timeout". A domain whose DNS was too slow is not asked about again for a minute, and over
so many checks at once, or so much mail in memory for them, a mail goes on unchecked, with the same flag.
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
GRACE = 0.5  # seconds more until we no longer wait for the thread to say so
THREADS = 32
MOST = 256  # checks under way
ROOM = 128 * MIB  # of mail in memory for them
REST = 60.0  # seconds for which a slow domain is left alone
REMEMBERED = 1000  # slow domains

TIMEOUT, ERROR = "authentication-timeout", "authentication-error"


class SenderChecks:
    """Called with a mail as read, gives it back with what SPF, DKIM and DMARC say about its sender.

    `until` makes the look-ups for one mail, which raise TimeLimitReached from a monotonic moment on.
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
        self._slow: dict[str, float] = {}  # domain -> asked about again from then on
        self._running = self._bytes = 0

    async def __call__(self, envelope: Envelope, raw: bytes, mail: InboundMail) -> InboundMail:
        if mail.authentication is not Authentication.NONE or not mail.sender:
            return mail  # a host that we trust has spoken, or there is nobody to ask about
        if self._is_agents(envelope.peer):
            return mail
        domain = ascii_domain(mail.sender)
        if self._slow.get(domain, 0) > self._monotonic() or self._is_full(len(raw)):
            return self._told(mail, "timeout", TIMEOUT)
        self._running, self._bytes = self._running + 1, self._bytes + len(raw)
        try:
            return await self._checked(envelope, raw, mail, domain)
        finally:
            self._running, self._bytes = self._running - 1, self._bytes - len(raw)

    def close(self) -> None:
        """No new check begins; those under way end within their time."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _checked(self, envelope: Envelope, raw: bytes, mail: InboundMail, domain: str) -> InboundMail:
        end = self._monotonic() + self._limit
        work = asyncio.get_running_loop().run_in_executor(self._pool, self._work, envelope, raw, mail, end)
        try:
            async with asyncio.timeout(self._limit + GRACE):
                found, waited = await work
        except TimeoutError:  # it never got a thread: the domain is not to blame
            return self._told(mail, "timeout", TIMEOUT)
        if isinstance(found, Authentication):
            return self._told(replace(mail, authentication=found), found.value)
        if isinstance(found, TimeLimitReached):
            if waited > self._limit / 2:
                self._remember(domain)
            return self._told(mail, "timeout", TIMEOUT)
        log.sender_check_failed(error=found)
        return self._told(mail, "error", ERROR)

    def _work(
        self, envelope: Envelope, raw: bytes, mail: InboundMail, end: float
    ) -> tuple[Authentication | Exception, float]:
        """In a thread: the outcome, and the seconds that it took."""
        begun = self._monotonic()
        direct = self._is_direct(envelope.peer)
        try:
            found: Authentication | Exception = verify(
                raw, mail.sender, envelope, self._until(end), direct=direct
            )
        except Exception as error:  # what anybody may write into mail and DNS must not cost us the mail
            found = error
        return found, self._monotonic() - begun

    def _told(self, mail: InboundMail, result: str, *flags: str) -> InboundMail:
        self._metrics.authenticated.labels(result).inc()
        return replace(mail, flags=(*mail.flags, *flags))

    def _remember(self, domain: str) -> None:
        if len(self._slow) >= REMEMBERED:
            self._slow.clear()
        self._slow[domain] = self._monotonic() + REST

    def _is_full(self, size: int) -> bool:
        return self._running >= MOST or (self._running > 0 and self._bytes + size > ROOM)

    def _is_agents(self, peer: str) -> bool:
        """From where agents submit it is not yet signed, and SPF does not know the place."""
        return bool(peer) and any(ip_address(peer) in network for network in self._trust.agent_networks)

    def _is_direct(self, peer: str) -> bool:
        """Is the peer the sender's own server? Not one of ours, nor one on this machine."""
        if not peer:
            return False
        address, ours = ip_address(peer), (*self._trust.front_networks, *self._trust.proxy_networks)
        return not address.is_loopback and not any(address in network for network in ours)
