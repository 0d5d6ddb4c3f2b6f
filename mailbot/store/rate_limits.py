"""What automatic answers have used up, shared by all nodes."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, select

from mailbot.store.engine import or_replace
from mailbot.store.schema import rate_limits


def load(connection: Connection, keys: Collection[str]) -> dict[str, datetime]:
    """Load key -> until. Rows are locked in one order until the transaction ends, so no limit is used
    twice.
    """
    if not keys:
        return {}
    query = select(rate_limits).where(rate_limits.c.key.in_(sorted(keys))).order_by(rate_limits.c.key)
    return {row.key: row.until for row in connection.execute(query.with_for_update())}


def save(connection: Connection, spent: Mapping[str, datetime]) -> None:
    if not spent:
        return
    rows = [{"key": key, "until": spent[key]} for key in sorted(spent)]
    connection.execute(or_replace(connection, rate_limits, "key"), rows)


def remove_expired(connection: Connection, now: datetime) -> int:
    """Remove limits that are over."""
    return connection.execute(delete(rate_limits).where(rate_limits.c.until < now)).rowcount
