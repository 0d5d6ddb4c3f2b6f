"""The open tickets of each agent. Read by indexes alone, however many tickets there were."""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, func, literal, select, text, union_all

from mailbot.domain.assignment import Load
from mailbot.store.database.prepared import Prepared
from mailbot.store.schema import tickets

_TOGETHER = 100  # agents in one statement; SQLite takes 500 parts of a union

# Its second part is the index's own condition, else SQLite would not see that ix_tickets_live fits.
_IN_HAND = text("tickets.status IN ('new', 'open') AND tickets.status IN ('new', 'open', 'waiting')")


def load(connection: Connection, agents: Collection[str]) -> dict[str, Load]:
    """Load the load of each of these addresses."""
    wanted = sorted(agents)
    found: dict[str, Load] = {}
    for start in range(0, len(wanted), _TOGETHER):
        part = _loads(tuple(wanted[start : start + _TOGETHER]))
        found |= {agent: Load(in_hand, last_at) for agent, in_hand, last_at in part.fetch(connection, {})}
    return found


@lru_cache(maxsize=32)  # building it takes a hundred times as long as running it
def _loads(agents: tuple[str, ...]) -> Prepared:
    return Prepared(lambda dialect: union_all(*map(_load, agents)))


def _load(agent: str) -> Select[Any]:
    """Load agent by agent.

    With GROUP BY, SQLite without statistics reads a row of the table for each ticket, and finds each newest
    ticket by a walk over all that the agent ever had.
    """
    count = select(func.count()).where(tickets.c.assignee == agent, _IN_HAND).scalar_subquery()
    newest = select(func.max(tickets.c.assigned_at)).where(tickets.c.assignee == agent).scalar_subquery()
    return select(literal(agent).label("agent"), count.label("in_hand"), newest.label("last_at"))
