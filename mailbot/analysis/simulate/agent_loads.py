"""Who has how much in hand, on the virtual clock: what the daemon reads from its store."""

from datetime import UTC, datetime, timedelta

from mailbot.domain.assignment import IN_HAND, Load, Loads
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy

_NONE = Load()
_BUSY = Load(1, datetime(2000, 1, 1, tzinfo=UTC))


def favouring(agent: str | None, policy: Policy) -> Loads:
    """Everybody has something in hand but this one."""
    loads = dict.fromkeys(policy.agents, _BUSY)
    if agent:
        loads[agent] = _NONE
    return loads


class AgentLoads:
    """Kept true decision by decision; turns have an order even where several come at one moment."""

    def __init__(self) -> None:
        self._loads: dict[str, Load] = {}
        self._newest: datetime | None = None

    @property
    def loads(self) -> Loads:
        return self._loads

    def learn(self, before: Ticket | None, after: Ticket) -> None:
        self._count(before, -1)
        self._count(after, 1)
        given = (after.assignee, after.assigned_at)
        if (
            after.assignee
            and after.assigned_at
            and (not before or given != (before.assignee, before.assigned_at))
        ):
            in_hand = self._loads.get(after.assignee, _NONE).in_hand
            self._loads[after.assignee] = Load(in_hand, self._turn(after.assigned_at))

    def _count(self, ticket: Ticket | None, more: int) -> None:
        if ticket and ticket.assignee and ticket.status in IN_HAND:
            load = self._loads.get(ticket.assignee, _NONE)
            self._loads[ticket.assignee] = Load(max(0, load.in_hand + more), load.last_at)

    def _turn(self, at: datetime) -> datetime:
        self._newest = max(at, self._newest + timedelta.resolution) if self._newest else at
        return self._newest
