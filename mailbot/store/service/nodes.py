"""Which daemons are alive: a claim is as good as the heartbeat of the node that made it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
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


def register(connection: Connection, items: Sequence[Node]) -> list[None]:
    for node in items:
        now = database_time(connection)
        connection.execute(insert(nodes).values(**asdict(node), seen_at=now, reloaded_at=node.started_at))
    return [None] * len(items)


def database_time(connection: Connection) -> datetime:
    """Read the database's time: nodes with different clocks must agree about which node is alive."""
    query = (
        "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
        if connection.dialect.name == "sqlite"
        else "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
    )
    return EPOCH + timedelta(milliseconds=int(connection.scalar(text(query)) or 0))


def record_heartbeat(connection: Connection, items: Sequence[str]) -> list[int]:
    """Record that these nodes live, and release what dead ones held. Returns how many rows that freed."""
    now = database_time(connection)
    connection.execute(update(nodes).where(nodes.c.id.in_(items)).values(seen_at=now))
    dead = connection.scalars(select(nodes.c.id).where(nodes.c.seen_at < now - DEAD_AFTER)).all()
    return [mark_dead(connection, dead)] * len(items)


def mark_dead(connection: Connection, dead: Sequence[str]) -> int:
    if not dead:
        return 0
    freed = inbox.release(connection, dead) + outbox.release(connection, dead)
    connection.execute(delete(nodes).where(nodes.c.id.in_(dead)))
    return freed


def mark_others_dead(connection: Connection, items: Sequence[str]) -> list[int]:
    """Mark all other nodes as dead. For SQLite, whose file one daemon locks while it runs."""
    others = connection.scalars(select(nodes.c.id).where(nodes.c.id.not_in(items))).all()
    return [mark_dead(connection, others)] * len(items)


def remove(connection: Connection, items: Sequence[str]) -> list[None]:
    connection.execute(delete(nodes).where(nodes.c.id.in_(items)))
    return [None] * len(items)


@dataclass(frozen=True, slots=True)
class ReloadResult:
    """The outcome of a reload: a new `policy`, or the `reload_error` that kept the old one."""

    node: str
    at: datetime
    policy: str
    reload_error: str | None


def record_reload(connection: Connection, items: Sequence[ReloadResult]) -> list[None]:
    for item in items:
        connection.execute(
            update(nodes)
            .where(nodes.c.id == item.node)
            .values(policy=item.policy, reloaded_at=item.at, reload_error=item.reload_error)
        )
    return [None] * len(items)
