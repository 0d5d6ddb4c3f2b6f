"""How many tickets each agent has in hand on the virtual clock; the daemon reads this from its store."""

from datetime import UTC, datetime, timedelta

from mailbot.domain.assignment import IN_HAND, Load, Loads
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy

_NONE = Load()
_BUSY = Load(1, datetime(2000, 1, 1, tzinfo=UTC))


def favouring(agent: str | None, policy: Policy) -> Loads:
    """Return loads with which the rules choose `agent`: all others are busy."""
    loads = dict.fromkeys(policy.agents, _BUSY)
    if agent:
        loads[agent] = _NONE
    return loads


class AgentLoads:
    """Loads updated with each decision. Assignments have an order also when several have the same time."""

    def __init__(self) -> None:
        self._loads: dict[str, Load] = {}
        self._newest: datetime | None = None

    @property
    def loads(self) -> Loads:
        return self._loads

    def update(self, before: Ticket | None, after: Ticket) -> None:
        self._count(before, -1)
        self._count(after, 1)
        assignment = (after.assignee, after.assigned_at)
        if (
            after.assignee
            and after.assigned_at
            and (not before or assignment != (before.assignee, before.assigned_at))
        ):
            in_hand = self._loads.get(after.assignee, _NONE).in_hand
            self._loads[after.assignee] = Load(in_hand, self._unique_time(after.assigned_at))

    def _count(self, ticket: Ticket | None, change: int) -> None:
        if ticket and ticket.assignee and ticket.status in IN_HAND:
            load = self._loads.get(ticket.assignee, _NONE)
            self._loads[ticket.assignee] = Load(max(0, load.in_hand + change), load.last_at)

    def _unique_time(self, at: datetime) -> datetime:
        self._newest = max(at, self._newest + timedelta.resolution) if self._newest else at
        return self._newest
