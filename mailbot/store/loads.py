"""What each agent has in hand, as the tickets say. Read by indexes alone, however many tickets there were."""

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Connection, Select, func, literal, select, text, union_all

from mailbot.core.assign import Load
from mailbot.store.schema import tickets

_TOGETHER = 100  # agents in one statement; SQLite takes 500 parts of a union

_IN_HAND = (
    select(tickets.c.assignee, func.count().label("count"))
    # Literal, or the partial index ix_tickets_in_hand would not be seen to fit.
    .where(text("status IN ('new', 'open')"), tickets.c.assignee.is_not(None))
    .group_by(tickets.c.assignee)
)


def in_hand(connection: Connection, agents: Collection[str]) -> dict[str, Load]:
    """The load of each of these addresses."""
    counts = {row.assignee: row[1] for row in connection.execute(_IN_HAND)}
    wanted = sorted(agents)
    found: dict[str, Load] = {}
    for start in range(0, len(wanted), _TOGETHER):
        newest = union_all(*_newest(wanted[start : start + _TOGETHER]))
        for row in connection.execute(newest):
            found[row.agent] = Load(counts.get(row.agent, 0), row.last_at)
    return found


def _newest(agents: Collection[str]) -> Iterator[Select[Any]]:
    """One look at the end of an index each; to group by agent would walk over all they ever had."""
    for agent in agents:
        newest = select(func.max(tickets.c.assigned_at)).where(tickets.c.assignee == agent)
        yield select(literal(agent).label("agent"), newest.scalar_subquery().label("last_at"))
