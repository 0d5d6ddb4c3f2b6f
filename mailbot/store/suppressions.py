"""Addresses that get no automatic mail, since mail to them came back or its reader complained."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, or_, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from mailbot.domain.replies.undeliverable import Mute
from mailbot.store.schema import mutes

_NAMES = ("address", "kind", "reason", "since", "until")


def load(connection: Connection, addresses: Collection[str], now: datetime) -> dict[str, Mute]:
    """Address -> its mute, for those of `addresses` (lower case) that are muted now."""
    if not addresses:
        return {}
    rows = connection.execute(select(mutes).where(mutes.c.address.in_(sorted(addresses)), _holds(now)))
    return {row.address: Mute(**row._mapping) for row in rows}


def _holds(now: datetime) -> ColumnElement[bool]:
    return or_(mutes.c.until.is_(None), mutes.c.until > now)


def put(connection: Connection, found: Sequence[Mute]) -> None:
    """Mutes addresses; the newest reason stands, but a complaint is not replaced by a bounce."""
    if not found:
        return
    dialect_insert = sqlite_insert if connection.dialect.name == "sqlite" else postgres_insert
    statement = dialect_insert(mutes)
    new = {name: statement.excluded[name] for name in _NAMES if name != "address"}
    newest = {mute.address: mute for mute in found}
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["address"],
            set_=new,
            where=or_(mutes.c.kind != "complaint", statement.excluded.kind == "complaint"),
        ),
        [{name: getattr(newest[address], name) for name in _NAMES} for address in sorted(newest)],
    )


def lift(connection: Connection, addresses: Sequence[str]) -> list[bool]:
    """Lets automatic mail go there again. False where the address was not muted."""
    return [
        connection.execute(delete(mutes).where(mutes.c.address == address)).rowcount == 1
        for address in sorted(addresses)
    ]


def forget(connection: Connection, now: datetime) -> int:
    """Drops those whose time has passed."""
    return connection.execute(delete(mutes).where(mutes.c.until <= now)).rowcount


def listing(connection: Connection, now: datetime, limit: int) -> list[Mute]:
    """All that hold now, the newest first."""
    query = select(mutes).where(_holds(now)).order_by(mutes.c.since.desc(), mutes.c.address).limit(limit)
    rows = connection.execute(query)
    return [Mute(**row._mapping) for row in rows]
