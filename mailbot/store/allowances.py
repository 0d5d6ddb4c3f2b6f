"""What automatic answers have used up, shared by all nodes."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from mailbot.store.schema import allowances


def load(connection: Connection, keys: Collection[str]) -> dict[str, datetime]:
    """Key -> until. Locked in one order till the transaction ends: two nodes can't both spend the last."""
    if not keys:
        return {}
    rows = connection.execute(
        select(allowances)
        .where(allowances.c.key.in_(sorted(keys)))
        .order_by(allowances.c.key)
        .with_for_update()
    )
    return {row.key: row.until for row in rows}


def spend(connection: Connection, spent: Mapping[str, datetime]) -> None:
    if not spent:
        return
    dialect_insert = sqlite_insert if connection.dialect.name == "sqlite" else postgres_insert
    statement = dialect_insert(allowances)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["key"], set_={"until": statement.excluded.until}),
        [{"key": key, "until": spent[key]} for key in sorted(spent)],
    )


def forget(connection: Connection, now: datetime) -> int:
    """Drops what allows everything again anyway."""
    return connection.execute(delete(allowances).where(allowances.c.until < now)).rowcount
