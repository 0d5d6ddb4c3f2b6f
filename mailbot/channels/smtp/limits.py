"""Limits per client and in all: sessions, mails a minute, bytes of mail in memory."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from mailbot import log
from mailbot.channels.smtp.shared_limits import SharedCounts
from mailbot.config.model import Limits, Network
from mailbot.domain.policy import Rate
from mailbot.domain.replies.auto_reply import take_token

COPIES = 2  # of a large mail that are in memory at once, at least
KNOWN_FOR = timedelta(hours=24)  # that a peer counts as known after a mail that was accepted
RESERVED = 10  # one place of so many is kept for known peers
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
    """Counts clients and mails by address, and all sessions. `exempt` peers (our own MTA) have no share of their own.

    Near the limit of all sessions there is stress: patience is short, and the last places are kept for peers that
    delivered mail lately. With `shared` the limits per address hold for several processes together.
    """

    def __init__(self, limits: Limits, shared: SharedCounts | None = None) -> None:
        self._limits, self._shared = limits, shared
        self._has_rates = limits.rates
        self._rate = Rate(limits.mails_per_minute_per_address, timedelta(minutes=1))
        self._clients_by_key: Counter[str] = Counter()  # those that wait for a place, too
        self._until: dict[str, datetime] = {}
        self._known: dict[str, datetime] = {}
        self.sessions = 0
        self.stress = False

    def is_full(self, peer: str, now: datetime, *, exempt: bool) -> bool:
        """Check whether no place is left for this peer, the reserved ones included where it is known."""
        kept = 0 if exempt or self._is_known(peer, now) else self._limits.sessions // RESERVED
        return self.sessions >= self._limits.sessions - kept

    def reserve(self, peer: str, *, exempt: bool) -> bool:
        """Count a client of this address. False when it has its share; then there is nothing to `release`."""
        key = limit_key(peer)
        count = self._shared.clients(key) if self._shared else self._clients_by_key[key]
        if not exempt and count >= self._limits.sessions_per_address:
            return False
        self._clients_by_key[key] += 1
        if self._shared:
            self._shared.add(key, 1)
        return True

    def release(self, peer: str) -> None:
        key = limit_key(peer)
        self._clients_by_key[key] -= 1
        if not self._clients_by_key[key]:
            del self._clients_by_key[key]
        if self._shared:
            self._shared.add(key, -1)

    def note_accepted(self, peer: str, now: datetime) -> None:
        """Note that a mail of this peer was accepted."""
        key = limit_key(peer)
        if self._shared:
            return self._shared.set_known(key, now)
        self._known.pop(key, None)  # the dictionary stays in the order of the newest mails
        self._known[key] = now
        if len(self._known) > MAX_RATES:
            del self._known[next(iter(self._known))]
        return None

    def _is_known(self, peer: str, now: datetime) -> bool:
        key = limit_key(peer)
        at = self._shared.known_at(key) if self._shared else self._known.get(key)
        return at is not None and now - at < KNOWN_FOR

    def move(self, peer: str, client: str, *, exempt: bool) -> bool:
        """Move a client from `peer` to `client`. False when the client has its share."""
        moved = self.reserve(client, exempt=exempt)
        if moved:
            self.release(peer)
        return moved

    def change(self, by: int) -> None:
        """Count sessions. Stress begins at three quarters of the places, and ends at a half."""
        self.sessions += by
        if self.stress != (self.sessions >= self._limits.sessions * (0.5 if self.stress else 0.75)):
            self.stress = not self.stress
            log.stress_changed(on=self.stress, sessions=self.sessions)

    def may_send(self, peer: str, now: datetime) -> bool:
        """Count one more mail of this address. False when it exceeds the rate."""
        if not self._has_rates:
            return True
        if len(self._until) >= MAX_RATES:
            self._until = {key: until for key, until in self._until.items() if until > now}
        key = limit_key(peer)
        until = take_token(self._shared.until(key) if self._shared else self._until.get(key), self._rate, now)
        if self._shared and until is not None:
            self._shared.set_until(key, until)
        elif until is not None:
            self._until[key] = until
        return until is not None


class MemoryBudget:
    """The memory for large mails on their way from the spool to the store: first come, first served.

    Small mails need none of it, so they never wait for large ones. What a mail books is more than its size, since it
    is copied on its way.
    """

    def __init__(self, size: int, wait: timedelta) -> None:
        self._size, self._wait = size, wait.total_seconds()
        self._line = asyncio.Lock()  # its waiters are served in the order in which they came
        self._freed = asyncio.Event()
        self._waiting: set[asyncio.Timeout] = set()
        self.used = 0

    async def take(self, size: int) -> int:
        """Wait for the turn of a mail of `size` bytes, as long as the store keeps others. Return what it has booked.

        0: nothing was kept for so long that its client must not wait on.
        """
        booked = min(COPIES * size, self._size)
        try:
            async with asyncio.timeout(self._wait) as patience:
                self._waiting.add(patience)
                try:
                    async with self._line:
                        while self.used + booked > self._size:
                            self._freed.clear()
                            await self._freed.wait()
                        self.used += booked
                finally:
                    self._waiting.discard(patience)
        except TimeoutError:
            return 0
        return booked

    def give_back(self, booked: int) -> None:
        self.used -= booked
        self._freed.set()

    def note_progress(self) -> None:
        """Note that the store has kept a mail: it is worth waiting on."""
        until = asyncio.get_running_loop().time() + self._wait
        for patience in self._waiting:
            patience.reschedule(until)
