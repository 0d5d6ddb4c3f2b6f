"""Fair shares of the relay's connections for the domains that mail goes to.

Theory of operation. The relay may ask a domain's own server before it replies, and that server may take half a minute.
Such mail must not hold every connection. As in Postfix, a domain begins small and grows with quick replies:

- Until it has answered, a domain has a quarter of the connections, at least one.
- Each quick reply gives it one more, up to three quarters. A slow one, given or awaited, brings it back to a quarter.
- Domains whose last reply was slow have half of the connections together.

A node claims few more mails of a domain than it may send, so that others find room. Times are monotonic seconds.
"""

from collections import Counter
from collections.abc import Iterable

from mailbot.store.outbox import Claimed

SLOW = 2.0  # seconds until a reply
ROWS_PER_CONNECTION = 8  # rows in hand for each connection of a quick domain: a claim is worth its commit
MAX_DOMAINS = 1_000  # that are remembered


class Shares:
    """Whose mail may be claimed and sent next. `connections` may change while the relay grants fewer."""

    def __init__(self, connections: int) -> None:
        self.connections = connections
        self._in_hand: Counter[str] = Counter()
        self._under_way: dict[int, tuple[str, float]] = {}  # outbox id -> domain, begin
        self._windows: dict[str, int] = {}  # connections of domains that have answered; 0: slowly
        self._full: set[str] = set()  # domains of which more may wait in the store

    def take(self, rows: Iterable[Claimed], now: float) -> None:
        """Note rows that are claimed."""
        self._in_hand.update(row.domain for row in rows)
        allowed = self.quotas(now)
        self._full = {name for name in self._in_hand if allowed.get(name, self.quarter) <= 0}

    def drop(self, row: Claimed, now: float) -> bool:
        """Note that a row is in hand no more. Return whether more of its domain should be claimed."""
        self._in_hand[row.domain] -= 1
        if self._in_hand[row.domain] <= 0:
            del self._in_hand[row.domain]
        allowed = self._allowed(row.domain, now)
        if row.domain not in self._full or self._in_hand[row.domain] > allowed // 2:
            return False
        self._full.discard(row.domain)
        return True

    @property
    def holds_back(self) -> bool:
        """Return whether mail may be due that is not claimed, because its domain has its share."""
        return bool(self._full)

    def hold(self, row: Claimed, now: float) -> bool:
        """Note a row that was not claimed. Return whether it may wait in memory, else it goes to the store."""
        may = self._may_hold(row.domain, now)
        self._in_hand[row.domain] += 1
        if not may:
            self._full.add(row.domain)
        return may

    def _may_hold(self, domain: str, now: float) -> bool:
        """Check whether one more mail to this domain may wait in memory: a slow one must not fill it."""
        if self._windows.get(domain) and not self._is_late(domain, now):
            return domain not in self._full
        return self._in_hand[domain] < self._share(domain, now)

    @property
    def quarter(self) -> int:
        return max(1, self.connections // 4)

    def quotas(self, now: float) -> dict[str, int]:
        """Map domains to the rows that may be claimed now. Any other domain has a quarter of the connections."""
        slow = sum(self._in_hand[name] for name, window in self._windows.items() if window == 0)
        rest = max(1, self.connections // 2) - slow  # for all slow domains together
        quotas = {}
        for name in self._windows.keys() | self._in_hand.keys():
            free = self._allowed(name, now) - self._in_hand[name]
            quotas[name] = min(free, rest) if self._windows.get(name) == 0 else free
        return quotas

    def may_begin(self, domain: str, now: float) -> bool:
        """Check whether one more mail to this domain may be sent now."""
        under_way = [name for name, _ in self._under_way.values()]
        if under_way.count(domain) >= self._share(domain, now):
            return False
        slow = sum(self._windows.get(name) == 0 for name in under_way)
        return self._windows.get(domain) != 0 or slow < max(1, self.connections // 2)

    def begin(self, row: Claimed, now: float) -> None:
        self._under_way[row.id] = (row.domain, now)

    def end(self, row: Claimed) -> None:
        self._under_way.pop(row.id, None)

    def answered(self, row: Claimed, now: float) -> None:
        """Note that the relay has replied to a mail."""
        domain, began = self._under_way.get(row.id, (row.domain, now))
        seconds = now - began
        window = self._windows.pop(domain, 0) or self.quarter
        self._windows[domain] = 0 if seconds >= SLOW else window + 1
        if len(self._windows) > MAX_DOMAINS:
            del self._windows[next(iter(self._windows))]

    def _allowed(self, domain: str, now: float) -> int:
        share = self._share(domain, now)
        return share * ROWS_PER_CONNECTION if self._windows.get(domain) and share > self.quarter else share

    def _share(self, domain: str, now: float) -> int:
        window = self._windows.get(domain, 0)
        if not window or self._is_late(domain, now):
            return self.quarter
        return max(self.quarter, min(window, self.connections - self.connections // 4))

    def _is_late(self, domain: str, now: float) -> bool:
        return any(name == domain and now - at >= SLOW for name, at in self._under_way.values())
