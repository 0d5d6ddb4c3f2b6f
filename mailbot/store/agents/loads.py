"""The open tickets of each agent. Read by indexes alone, however many tickets there were."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Select, func, literal, select, text, union_all

from mailbot.domain.assignment import Load
from mailbot.store.schema import tickets

_TOGETHER = 100  # agents in one statement; SQLite takes 500 parts of a union

# Its second part is the index's own condition, else SQLite would not see that ix_tickets_live fits.
_IN_HAND = text("tickets.status IN ('new', 'open') AND tickets.status IN ('new', 'open', 'waiting')")


def load(connection: Connection, agents: Collection[str]) -> dict[str, Load]:
    """Load the load of each of these addresses."""
    wanted = sorted(agents)
    found: dict[str, Load] = {}
    for start in range(0, len(wanted), _TOGETHER):
        loads = union_all(*map(_load, wanted[start : start + _TOGETHER]))
        found |= {row.agent: Load(row.in_hand, row.last_at) for row in connection.execute(loads)}
    return found


def _load(agent: str) -> Select[Any]:
    """Load agent by agent.

    With GROUP BY, SQLite without statistics reads a row of the table for each ticket, and finds each newest
    ticket by a walk over all that the agent ever had.
    """
    count = select(func.count()).where(tickets.c.assignee == agent, _IN_HAND).scalar_subquery()
    newest = select(func.max(tickets.c.assigned_at)).where(tickets.c.assignee == agent).scalar_subquery()
    return select(literal(agent).label("agent"), count.label("in_hand"), newest.label("last_at"))
