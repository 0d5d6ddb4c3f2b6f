"""Which daemons are alive: a claim is as good as the heartbeat of the node that made it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, text, update

from mailbot.store import inbox, outbox
from mailbot.store.schema import EPOCH, nodes

# A node that was silent for so long is taken for dead: longer than any pause of a live one.
DEAD_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Node:
    """A running daemon. `policy` is the version it decides by."""

    id: str
    host: str
    pid: int
    roles: str
    started_at: datetime
    policy: str


def join(connection: Connection, items: Sequence[Node]) -> list[None]:
    for node in items:
        now = clock(connection)
        connection.execute(
            insert(nodes).values(
                id=node.id,
                host=node.host,
                pid=node.pid,
                roles=node.roles,
                started_at=node.started_at,
                seen_at=now,
                policy=node.policy,
                reloaded_at=node.started_at,
            )
        )
    return [None] * len(items)


def clock(connection: Connection) -> datetime:
    """The database's own time: nodes whose clocks disagree still agree about who is alive."""
    query = (
        "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
        if connection.dialect.name == "sqlite"
        else "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
    )
    return EPOCH + timedelta(milliseconds=int(connection.scalar(text(query)) or 0))


def beat(connection: Connection, items: Sequence[str]) -> list[int]:
    """Says that these nodes live, gives back what dead ones held. Returns how many rows that freed."""
    now = clock(connection)
    connection.execute(update(nodes).where(nodes.c.id.in_(items)).values(seen_at=now))
    dead = connection.scalars(select(nodes.c.id).where(nodes.c.seen_at < now - DEAD_AFTER)).all()
    return [bury(connection, dead)] * len(items)


def bury(connection: Connection, dead: Sequence[str]) -> int:
    if not dead:
        return 0
    freed = inbox.release(connection, dead) + outbox.release(connection, dead)
    connection.execute(delete(nodes).where(nodes.c.id.in_(dead)))
    return freed


def bury_all_others(connection: Connection, items: Sequence[str]) -> list[int]:
    """For SQLite, whose file one daemon holds for life: whoever else is listed there has died."""
    others = connection.scalars(select(nodes.c.id).where(nodes.c.id.not_in(items))).all()
    return [bury(connection, others)] * len(items)


def leave(connection: Connection, items: Sequence[str]) -> list[None]:
    connection.execute(delete(nodes).where(nodes.c.id.in_(items)))
    return [None] * len(items)


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The outcome of a reload: a new `policy`, or the `trouble` that kept the old one."""

    node: str
    at: datetime
    policy: str
    trouble: str | None


def note_reload(connection: Connection, items: Sequence[Reloaded]) -> list[None]:
    for item in items:
        connection.execute(
            update(nodes)
            .where(nodes.c.id == item.node)
            .values(policy=item.policy, reloaded_at=item.at, trouble=item.trouble)
        )
    return [None] * len(items)
