"""Limits per client and in all: sessions, mails a minute, bytes of mail in memory."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from mailbot.config.model import Limits, Network
from mailbot.domain.policy import Rate
from mailbot.domain.replies.auto_reply import take_token

MAX_RATES = 4096  # addresses with a rate; beyond it, those that have recovered are removed


def is_within(peer: str, networks: Sequence[Network]) -> bool:
    """Check whether an IP address is in one of the networks. A local socket's peer has none, and is not."""
    if not networks or not peer:
        return False
    address = ip_address(peer)
    return any(address in network for network in networks)


def plain_address(host: str) -> str:
    """Normalise an IP address: no zone, no IPv4-mapped IPv6 as dual-stack sockets give it."""
    host = host.partition("%")[0]
    return host[7:] if host.startswith("::ffff:") and "." in host else host


def limit_key(peer: str) -> str:
    """Return the key of limits per address: an IPv4 address, or the /64 that one IPv6 customer gets."""
    if ":" not in peer:
        return peer
    return str(IPv6Address(int(IPv6Address(peer)) >> 64 << 64))


class ConnectionLimits:
    """Counts sessions and mails by address. `exempt` peers (our own MTA) are only counted in all."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._has_rates = limits.rates
        self._rate = Rate(limits.mails_per_minute_per_address, timedelta(minutes=1))
        self._sessions_by_key: Counter[str] = Counter()
        self._until: dict[str, datetime] = {}
        self.sessions = 0

    def enter(self, peer: str, *, exempt: bool) -> bool:
        """Take a place for a session. False when none is left; then there is nothing to `leave`."""
        return self.sessions < self._limits.sessions and self._count(peer, exempt=exempt)

    def move(self, peer: str, client: str, *, exempt: bool) -> bool:
        """Move a session from `peer` to `client`. False when the client has no place left."""
        counted = self._count(client, exempt=exempt)
        if counted:
            self.leave(peer)
        return counted

    def _count(self, peer: str, *, exempt: bool) -> bool:
        key = limit_key(peer)
        if not exempt and self._sessions_by_key[key] >= self._limits.sessions_per_address:
            return False
        self.sessions += 1
        self._sessions_by_key[key] += 1
        return True

    def leave(self, peer: str) -> None:
        key = limit_key(peer)
        self.sessions -= 1
        self._sessions_by_key[key] -= 1
        if not self._sessions_by_key[key]:
            del self._sessions_by_key[key]

    def may_send(self, peer: str, now: datetime) -> bool:
        """Count one more mail of this address. False when it exceeds the rate."""
        if not self._has_rates:
            return True
        if len(self._until) >= MAX_RATES:
            self._until = {key: until for key, until in self._until.items() if until > now}
        key = limit_key(peer)
        until = take_token(self._until.get(key), self._rate, now)
        if until is not None:
            self._until[key] = until
        return until is not None


class MemoryBudget:
    """The bytes of mail between socket and store, of all sessions together.

    A session without room waits briefly before it is refused. Its TCP window closes, and room comes back
    within milliseconds while the store works. If all wait for each other, each refusal makes room.
    """

    def __init__(self, size: int, wait: timedelta) -> None:
        self._size, self._wait = size, wait.total_seconds()
        self._freed = asyncio.Event()
        self.used = 0

    def fits(self, count: int) -> bool:
        return self.used + count <= self._size

    async def take(self, count: int) -> bool:
        """Wait for room and count `count` bytes. False when none came in time."""
        if not self.fits(count):
            try:
                async with asyncio.timeout(self._wait):
                    while not self.fits(count):
                        self._freed.clear()
                        await self._freed.wait()
            except TimeoutError:
                return False
        self.used += count
        return True

    def give_back(self, count: int) -> None:
        self.used -= count
        self._freed.set()
