"""Addresses that get no automatic mail, since mail to them came back or its reader complained."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import BindParameter, ColumnElement, Connection, bindparam, delete, or_, select

from mailbot.domain.replies.undeliverable import Suppression
from mailbot.store.database.prepared import PreparedList
from mailbot.store.engine import insert_of
from mailbot.store.schema import suppressions

_NAMES = ("address", "kind", "reason", "since", "until")


def load(connection: Connection, addresses: Collection[str], now: datetime) -> dict[str, Suppression]:
    """Load the suppressions that hold now of `addresses` (lower case), by address."""
    if not addresses:
        return {}
    found = _LOAD.fetch(connection, sorted(addresses), {"now": now})
    return {address: Suppression(address, *others) for address, *others in found}


def _holds(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return or_(suppressions.c.until.is_(None), suppressions.c.until > now)


_LOAD = PreparedList(
    lambda addresses: select(*(suppressions.c[name] for name in _NAMES)).where(
        suppressions.c.address.in_(addresses), _holds(bindparam("now"))
    )
)


def add(connection: Connection, found: Sequence[Suppression]) -> None:
    """Add suppressions. The newest reason wins, but a bounce never replaces a complaint."""
    if not found:
        return
    statement = insert_of(connection.dialect.name, suppressions)
    new = {name: statement.excluded[name] for name in _NAMES if name != "address"}
    newest = {suppression.address: suppression for suppression in found}
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["address"],
            set_=new,
            where=or_(suppressions.c.kind != "complaint", statement.excluded.kind == "complaint"),
        ),
        [{name: getattr(newest[address], name) for name in _NAMES} for address in sorted(newest)],
    )


def remove(connection: Connection, addresses: Sequence[str]) -> list[bool]:
    """Remove suppressions. False where the address had none."""
    return [
        connection.execute(delete(suppressions).where(suppressions.c.address == address)).rowcount == 1
        for address in sorted(addresses)
    ]


def lift_bounces(connection: Connection, addresses: Collection[str], since: datetime) -> int:
    """Remove suppressions for bounces that began since then. Returns how many."""
    began = (suppressions.c.kind == "bounce", suppressions.c.since >= since)
    named = [
        delete(suppressions).where(*began, suppressions.c.address == each)
        for each in sorted({address.lower() for address in addresses})
    ]
    return sum(connection.execute(each).rowcount for each in named)


def remove_expired(connection: Connection, now: datetime) -> int:
    """Remove suppressions that have expired."""
    return connection.execute(delete(suppressions).where(suppressions.c.until <= now)).rowcount


def list_active(connection: Connection, now: datetime, limit: int) -> list[Suppression]:
    """List all in force now, newest first."""
    query = select(suppressions).where(_holds(now)).limit(limit)
    newest_first = query.order_by(suppressions.c.since.desc(), suppressions.c.address)
    return [Suppression(**row._mapping) for row in connection.execute(newest_first)]
