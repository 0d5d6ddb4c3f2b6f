"""Who has how much in hand: a node's own picture, by which the next ticket finds its agent.

It is read from the store now and then, where the policy weighs loads at all, and in between each decision of
this node is added to it at once: no mail costs a statement of its own, and on one node turns are exact. What
other nodes and the command line gave away is seen with the next look; so are, as never given, tickets of a
decision that was rolled back. Until then two nodes may choose the same agent: roughly even, not exactly.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import Connection

from mailbot.domain.assignment import IN_HAND, Load, Loads
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy
from mailbot.store import agent_loads as loads

FRESH = 5.0  # seconds that a picture is good for
SHARE = 50  # times as long as it took, at least: with a million tickets in hand a look takes a moment
_NONE = Load()


class AgentLoads:
    """`clock` counts seconds. Decisions on several threads may use one; what they read never changes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, Lock()
        self._loads: Mapping[str, Load] = {}
        self._newest: datetime | None = None
        self._good_until: float | None = None  # None: never looked

    @property
    def loads(self) -> Loads:
        """As far as this node knows; empty where the policy does not ask."""
        return self._loads

    def refresh(self, connection: Connection, policy: Policy) -> None:
        """Before a batch is decided: reads the store when the picture is old and the policy weighs loads."""
        if not policy.weighs_loads:
            self._loads, self._good_until = {}, None
            return
        begun = self._clock()
        if self._good_until is not None and begun < self._good_until:
            return
        read = loads.in_hand(connection, policy.agents)
        took = self._clock() - begun
        with self._lock:
            self._loads = {address: self._merged(address, load) for address, load in read.items()}
            self._good_until = begun + max(FRESH, SHARE * took)

    def _merged(self, address: str, read: Load) -> Load:
        """The store's, with our own order of what was given at the same moment."""
        ours = self._loads.get(address, _NONE).last_at
        newest = max((at for at in (ours, read.last_at) if at), default=None)
        self._newest = max((at for at in (self._newest, newest) if at), default=None)
        return Load(read.in_hand, newest)

    def add(self, before: Ticket | None, after: Ticket) -> None:
        """What a decision of ours did to a ticket."""
        if self._good_until is None:
            return
        with self._lock:
            found = dict(self._loads)
            if before and (had := _holder(before)):
                found[had] = _with(found, had, -1)
            if has := _holder(after):
                found[has] = _with(found, has, 1)
            if after.assignee and after.assigned_at and _was_given(before, after):
                load = found.get(after.assignee, _NONE)
                found[after.assignee] = Load(load.in_hand, self._turn(after.assigned_at))
            self._loads = found

    def _turn(self, at: datetime) -> datetime:
        """`at`, but after all turns before it: a batch is decided in one moment, and turns have an order."""
        self._newest = max(at, self._newest + timedelta.resolution) if self._newest else at
        return self._newest


def _holder(ticket: Ticket) -> str:
    """In whose hand it is; "" when it is nobody's turn of ours."""
    return ticket.assignee or "" if ticket.status in IN_HAND else ""


def _with(loads: Loads, agent: str, more: int) -> Load:
    load = loads.get(agent, _NONE)
    return Load(max(0, load.in_hand + more), load.last_at)


def _was_given(before: Ticket | None, after: Ticket) -> bool:
    """Somebody got it with this decision."""
    if before is None:
        return True
    return (before.assignee, before.assigned_at) != (after.assignee, after.assigned_at)
