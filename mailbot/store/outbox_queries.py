"""The outbox as people see it: entries, attempts, figures."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, TextClause, func, select, text, true

from mailbot.domain.model import UNDER_WAY_STATES, WAITING_STATES, AttemptOutcome, OutboxState
from mailbot.domain.reasons import Reason
from mailbot.store.codec import reason_of
from mailbot.store.schema import UNDER_WAY, WAITING, attempts, channel_messages, outbox
from mailbot.store.service import claims


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the outbox for people. `deleted_at`, `deleted_digest`: of its bytes, see `queries.InboxEntry`.

    `arrival`: "delivered" or "read", as the provider of a chat reports it.
    """

    id: int
    message_id: str
    ticket: str
    kind: str
    recipient: str
    state: OutboxState
    reason: Reason
    requested_at: datetime
    due_at: datetime
    dot_at: datetime | None
    settled_at: datetime | None
    attempts: int
    unknown: int
    code: int | None
    reply: str | None
    act: str | None
    claimed_by: str | None
    claimed_at: datetime | None
    deleted_at: datetime | None
    deleted_digest: str | None
    arrival: str | None = None

    @property
    def undo_until(self) -> datetime | None:
        """Return until when its agent can take it back for sure: it leaves then, if the relay takes it."""
        return self.due_at if self.act and self.state is OutboxState.DUE and not self.attempts else None


# Of a message in parts, the last one: the others came before it.
_ARRIVAL = (
    select(channel_messages.c.status)
    .where(channel_messages.c.outbox_id == outbox.c.id, channel_messages.c.status.in_(("delivered", "read")))
    .order_by(channel_messages.c.part.desc())
    .limit(1)
    .scalar_subquery()
    .label("arrival")
)
_ENTRY = (*(outbox.c[name] for name in Entry.__dataclass_fields__ if name != "arrival"), _ARRIVAL)


def list_entries(
    connection: Connection,
    *,
    states: Iterable[str] = (),
    ticket: str = "",
    stuck: bool = False,
    limit: int = 100,
) -> list[Entry]:
    """List the newest entries first; only those in `states`, of `ticket` and stuck where that is given."""
    query = select(*_ENTRY).limit(limit)
    if wanted := tuple(states):
        query = query.where(outbox.c.state.in_(wanted))
    if ticket:
        query = query.where(outbox.c.ticket == ticket)
    if stuck:
        query = query.where(claims.is_stuck(outbox))
    few = [] if ticket else _indexed(wanted, stuck=stuck)
    # With an index, not the id itself: SQLite would look for rows from the newest on, through all that was ever sent.
    newest_first = (outbox.c.id + 0).desc() if few else outbox.c.id.desc()
    parts = [query.where(each).order_by(newest_first) for each in few or (true(),)]
    found = [_entry(row) for part in parts for row in connection.execute(part).mappings()]
    return sorted(found, key=lambda entry: -entry.id)[:limit]


_INDEXED = (
    (frozenset(WAITING_STATES), WAITING),
    (frozenset(UNDER_WAY_STATES), UNDER_WAY),
    (frozenset({OutboxState.FAILED}), text("outbox.state = 'failed'")),
)


def _indexed(states: Collection[str], *, stuck: bool) -> list[TextClause]:
    """Return conditions of partial indexes that hold all of these states; none where no index does."""
    wanted = set(UNDER_WAY_STATES if stuck else states)
    if not wanted or not wanted <= frozenset().union(*(held for held, _ in _INDEXED)):
        return []
    return [condition for held, condition in _INDEXED if wanted & held]


def find_entry(connection: Connection, id_: int) -> Entry | None:
    row = connection.execute(select(*_ENTRY).where(outbox.c.id == id_)).mappings().one_or_none()
    return None if row is None else _entry(row)


def _entry(row: RowMapping) -> Entry:
    return Entry(**{**row, "reason": reason_of(row["reason"])})


@dataclass(frozen=True, slots=True)
class Attempt:
    at: datetime
    node: str
    outcome: AttemptOutcome
    code: int | None
    reply: str


def attempts_of(connection: Connection, id_: int) -> list[Attempt]:
    """List the attempts for one mail, oldest first."""
    query = select(*(attempts.c[name] for name in Attempt.__dataclass_fields__))
    rows = connection.execute(query.where(attempts.c.outbox_id == id_).order_by(attempts.c.id))
    return [Attempt(**row._mapping) for row in rows]


def count_by_state(connection: Connection) -> dict[str, int]:
    """Count the mails in each state. Reads the whole table: for people, not for a scrape."""
    rows = connection.execute(select(outbox.c.state, func.count()).group_by(outbox.c.state))
    return {row[0]: row[1] for row in rows}


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Unsettled mail by state (due, deferred, sending, dot), and since when the oldest of it waits."""

    by_state: Mapping[str, int]
    oldest_at: datetime | None


def unsettled(connection: Connection) -> Unsettled:
    """Count unsettled mail: what waits by its index alone, which may be very much, then what is under way."""
    by_state: dict[str, int] = dict.fromkeys((*WAITING_STATES, *UNDER_WAY_STATES), 0)
    first: list[int] = []
    for condition in (WAITING, UNDER_WAY):
        # Not the id itself: SQLite would look for the least one through all mail that was ever sent.
        query = select(outbox.c.state, func.count(), func.min(outbox.c.id + 0)).where(condition)
        for state, number, id_ in connection.execute(query.group_by(outbox.c.state)):
            by_state[state] = number
            first.append(id_)
    oldest = select(func.min(outbox.c.requested_at)).where(outbox.c.id.in_(first))
    return Unsettled(by_state, connection.scalar(oldest))
