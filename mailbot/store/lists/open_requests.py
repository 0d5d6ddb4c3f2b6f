"""Requests for compensation that wait for a decision, as rows: counting them needs nothing of the ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, exists, select, text

from mailbot.store.schema import compensations


def undecided(*where: Any) -> Select[Any]:
    """Select the requests that nobody has granted or refused, oldest first."""
    last = compensations.alias("last")
    # As literal text: a planner can't match a bound parameter with the condition of a partial index.
    over = text("last.kind IN ('granted', 'refused')")
    decided = exists().where(last.c.request == compensations.c.request, over)
    asked = compensations.c.kind == "asked"
    return select(compensations).where(asked, ~decided, *where).order_by(compensations.c.id)


def moments(connection: Connection) -> Sequence[datetime]:
    """List when each of them was asked."""
    return connection.scalars(undecided().with_only_columns(compensations.c.at)).all()
