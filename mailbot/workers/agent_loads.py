"""How many tickets each agent has in hand: this node's own count, by which the next ticket finds its agent.

Theory of operation. Where the policy weighs loads at all, the count is read from the store now and then.
Between two reads each decision of this node is added to it at once. So no mail costs a statement of its own,
and on one node turns are exact. The next read brings what other nodes and the command line assigned, and
drops what was added by a decision that was rolled back. Until then two nodes may choose the same agent:
roughly even, not exact.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import Connection

from mailbot.domain.assignment import IN_HAND, Load, Loads
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy
from mailbot.store.agents import loads as store_loads

FRESH = 5.0  # seconds until the next read
SHARE = 50  # times as long as the read took, at least: with a million tickets in hand it takes a moment
_NO_LOAD = Load()


class AgentLoads:
    """`clock` counts seconds. Decisions on several threads may use one: a mapping that was read never
    changes.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, Lock()
        self._loads: Mapping[str, Load] = {}
        self._newest_at: datetime | None = None
        self._fresh_until: float | None = None  # None: never read

    @property
    def loads(self) -> Loads:
        """As far as this node knows; empty where the policy does not weigh loads."""
        return self._loads

    def refresh(self, connection: Connection, policy: Policy) -> None:
        """Read the store when the count is old and the policy weighs loads. Called before each batch."""
        if not policy.needs_loads:
            self._loads, self._fresh_until = {}, None
            return
        begun = self._clock()
        if self._fresh_until is not None and begun < self._fresh_until:
            return
        stored = store_loads.load(connection, policy.agents)
        took = self._clock() - begun
        with self._lock:
            self._loads = {address: self._merge(address, load) for address, load in stored.items()}
            self._fresh_until = begun + max(FRESH, SHARE * took)

    def add(self, before: Ticket | None, after: Ticket) -> None:
        """Count what a decision of this node did to a ticket."""
        if self._fresh_until is None:
            return
        with self._lock:
            loads = dict(self._loads)
            if before and (former := _holder(before)):
                loads[former] = _changed(loads, former, -1)
            if holder := _holder(after):
                loads[holder] = _changed(loads, holder, 1)
            if after.assignee and after.assigned_at and _is_assigned(before, after):
                in_hand = loads.get(after.assignee, _NO_LOAD).in_hand
                loads[after.assignee] = Load(in_hand, self._turn(after.assigned_at))
            self._loads = loads

    def _merge(self, address: str, stored: Load) -> Load:
        """Return the stored load, with this node's order among tickets assigned at the same moment."""
        own = self._loads.get(address, _NO_LOAD).last_at
        newest = max((at for at in (own, stored.last_at) if at), default=None)
        self._newest_at = max((at for at in (self._newest_at, newest) if at), default=None)
        return Load(stored.in_hand, newest)

    def _turn(self, at: datetime) -> datetime:
        """Return `at`, moved behind all turns before: a batch has one moment, but its turns have an order."""
        self._newest_at = max(at, self._newest_at + timedelta.resolution) if self._newest_at else at
        return self._newest_at


def _holder(ticket: Ticket) -> str:
    """Return whose turn it is, "" when it is no agent's."""
    return ticket.assignee or "" if ticket.status in IN_HAND else ""


def _changed(loads: Loads, agent: str, difference: int) -> Load:
    load = loads.get(agent, _NO_LOAD)
    return Load(max(0, load.in_hand + difference), load.last_at)


def _is_assigned(before: Ticket | None, after: Ticket) -> bool:
    return before is None or (before.assignee, before.assigned_at) != (after.assignee, after.assigned_at)
