"""What automatic answers have used up, shared by all nodes."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, select

from mailbot.store.database.prepared import PreparedList, replacing
from mailbot.store.schema import rate_limits


def load(connection: Connection, keys: Collection[str]) -> dict[str, datetime]:
    """Load key -> until. Rows are locked in one order until the transaction ends, so no limit is used
    twice.
    """
    if not keys:
        return {}
    return dict(_LOAD.fetch(connection, sorted(keys)))


_LOAD = PreparedList(
    lambda keys: (
        select(rate_limits.c.key, rate_limits.c.until)
        .where(rate_limits.c.key.in_(keys))
        .order_by(rate_limits.c.key)
        .with_for_update()
    )
)


def save(connection: Connection, spent: Mapping[str, datetime]) -> None:
    if not spent:
        return
    rows = [{"key": key, "until": spent[key]} for key in sorted(spent)]
    _SAVE.run(connection, rows)


_SAVE = replacing(rate_limits, ("key", "until"), "key")


def remove_expired(connection: Connection, now: datetime) -> int:
    """Remove limits that are over."""
    return connection.execute(delete(rate_limits).where(rate_limits.c.until < now)).rowcount
