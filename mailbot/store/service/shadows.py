"""Results of shadow policies for new tickets: the differences, and how often there was none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from mailbot.domain.policy_review.policy_diff import Change
from mailbot.store.codec import Codec
from mailbot.store.engine import or_skip
from mailbot.store.schema import shadow_differences, shadow_runs


@dataclass(frozen=True, slots=True)
class ShadowResult:
    """What came of a batch of tickets: `live` and `shadow` are versions. `missed`: there was no time."""

    shadow: str
    live: str
    at: datetime
    agreed: int
    missed: int
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class ShadowRun:
    """One policy that looks on beside one in force, all nodes together."""

    shadow: str
    live: str
    first_at: datetime
    last_at: datetime
    agreed: int
    differed: int
    missed: int


def add_result(connection: Connection, items: Sequence[ShadowResult]) -> list[None]:
    """Add to the counts of each run, and store the differences."""
    for item in items:
        versions = {"shadow": item.shadow, "live": item.live}
        run = {**versions, "first_at": item.at, "last_at": item.at, **dict.fromkeys(_COUNTS, 0)}
        connection.execute(or_skip(connection, shadow_runs, "shadow", "live"), run)
        more = {"b_agreed": item.agreed, "b_differed": len(item.changes), "b_missed": item.missed}
        key = {"b_shadow": item.shadow, "b_live": item.live, "b_at": item.at}
        connection.execute(_MORE, {**more, **key})
        rows = [
            {**versions, "ticket": change.name, "at": change.at, "data": _data(change)}
            for change in item.changes
        ]
        if rows:
            connection.execute(or_skip(connection, shadow_differences, "shadow", "ticket"), rows)
    return [None] * len(items)


_COUNTS = ("agreed", "differed", "missed")
_MORE = (
    update(shadow_runs)
    .where(shadow_runs.c.shadow == bindparam("b_shadow"), shadow_runs.c.live == bindparam("b_live"))
    .values(
        {name: shadow_runs.c[name] + bindparam(f"b_{name}") for name in _COUNTS}
        | {"last_at": bindparam("b_at")}
    )
)


def runs(connection: Connection) -> list[ShadowRun]:
    """List every pair of policies that ran, newest first."""
    query = select(*(shadow_runs.c[name] for name in ShadowRun.__dataclass_fields__))
    rows = connection.execute(query.order_by(shadow_runs.c.last_at.desc(), shadow_runs.c.shadow))
    return [ShadowRun(**row._mapping) for row in rows]


def differences(connection: Connection, shadow: str) -> list[Change]:
    """List the differences of that policy, in the order in which the tickets came."""
    query = select(shadow_differences).where(shadow_differences.c.shadow == shadow)
    ordered = query.order_by(shadow_differences.c.at, shadow_differences.c.ticket)
    rows = connection.execute(ordered)
    return [_CHANGES.load({**row.data, "name": row.ticket, "at": row.at}) for row in rows]


_CHANGES = Codec(Change)


def _data(change: Change) -> dict[str, Any]:
    data: dict[str, Any] = _CHANGES.dump(change)
    del data["name"], data["at"]
    return data
