"""Which daemons are alive: a claim is as good as the heartbeat of the node that made it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from mailbot.store import inbox, outbox
from mailbot.store.channels import states
from mailbot.store.schema import database_now, nodes
from mailbot.store.schema import inbox as inbox_table
from mailbot.store.schema import outbox as outbox_table
from mailbot.store.service.claims import DEAD_AFTER, of_nobody


@dataclass(frozen=True, slots=True)
class Node:
    """A running daemon. `policy` is the version it decides by, `troubles` what is wrong with it, for people."""

    id: str
    host: str
    pid: int
    roles: str
    started_at: datetime
    policy: str
    troubles: Sequence[str] = ()


def register(connection: Connection, items: Sequence[Node]) -> list[None]:
    for node in items:
        now = database_time(connection)
        values = {**asdict(node), "troubles": list(node.troubles)}
        connection.execute(insert(nodes).values(**values, seen_at=now, reloaded_at=node.started_at))
    return [None] * len(items)


def database_time(connection: Connection) -> datetime:
    """Read the database's time."""
    return connection.execute(select(database_now())).scalar_one()


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life. `judges`: it may take silent nodes for dead."""

    node: Node
    judges: bool = True


def record_heartbeat(connection: Connection, items: Sequence[Beat]) -> list[int]:
    """Record that these nodes live, and release what dead ones held. Returns how many rows that freed.

    A node that others took for dead, because it stood still, is registered again. What it held is others' by then.
    """
    beating = [item.node for item in items]
    now = database_time(connection)
    register(connection, [node for node in beating if not _record_alive(connection, node, now)])
    if any(item.judges for item in items):
        dead = connection.execute(delete(nodes).where(nodes.c.seen_at < now - DEAD_AFTER)).rowcount
        if dead:
            states.release_of_nobody(connection)
    return [_release_of_nobody(connection)] * len(items)


def _record_alive(connection: Connection, node: Node, now: datetime) -> bool:
    """Record the heartbeat of a registered node. Returns False when it is registered no more."""
    alive = update(nodes).where(nodes.c.id == node.id).values(seen_at=now, troubles=list(node.troubles))
    return connection.execute(alive).rowcount > 0


def _release_of_nobody(connection: Connection) -> int:
    """Release the claims of nodes that are not registered, whether they died, left or were never known."""
    return inbox.release(connection, of_nobody(inbox_table)) + outbox.release(
        connection, of_nobody(outbox_table)
    )


def mark_others_dead(connection: Connection, items: Sequence[str]) -> list[int]:
    """Mark all other nodes as dead. For SQLite, whose file one daemon locks while it runs."""
    connection.execute(delete(nodes).where(nodes.c.id.not_in(items)))
    states.release_of_nobody(connection)
    return [_release_of_nobody(connection)] * len(items)


def remove(connection: Connection, items: Sequence[str]) -> list[None]:
    """Remove nodes that stop, and release what they still hold; no mail is blamed for that."""
    inbox.release(connection, inbox_table.c.claimed_by.in_(items), attempts=0)
    outbox.release(connection, outbox_table.c.claimed_by.in_(items))
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
