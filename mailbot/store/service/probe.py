"""A write that changes nothing: does the store take one now?"""

from collections.abc import Sequence

from sqlalchemy import Connection, false, update

from mailbot.store.schema import nodes


def check_writable(connection: Connection, items: Sequence[None]) -> list[None]:
    """Take the right to write and change nothing: a locked SQLite file or a read-only server refuses it."""
    connection.execute(update(nodes).where(false()).values(pid=nodes.c.pid))
    return [None] * len(items)
