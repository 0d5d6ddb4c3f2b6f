"""How far each webhook is, who serves it, and what came of each attempt."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, ColumnElement, Connection, delete, insert, or_, select, type_coerce, update

from mailbot.store.engine import or_skip
from mailbot.store.schema import database_now, nodes, webhook_attempts, webhooks
from mailbot.store.webhooks import feed
from mailbot.store.webhooks.feed import Place

HELD_FOR = timedelta(minutes=2)  # longer than one attempt may take: see `delivery.webhooks.client`


@dataclass(frozen=True, slots=True)
class Webhook:
    """A row of `webhooks`. `failures`: attempts that failed in a row; `error`: of the last one."""

    name: str
    position: int
    window_from: int
    window_to: int
    failures: int
    due_at: datetime
    delivered_at: datetime | None
    error: str | None
    disabled_at: datetime | None
    disabled_by: str

    @property
    def place(self) -> Place:
        return Place(self.position, self.window_from, self.window_to)


_COLUMNS = tuple(webhooks.c[each.name] for each in fields(Webhook))


def list_all(connection: Connection) -> list[Webhook]:
    """List all that were ever configured, by name."""
    return [Webhook(*row) for row in connection.execute(select(*_COLUMNS).order_by(webhooks.c.name))]


def load(connection: Connection, name: str) -> Webhook | None:
    row = connection.execute(select(*_COLUMNS).where(webhooks.c.name == name)).one_or_none()
    return Webhook(*row) if row else None


@dataclass(frozen=True, slots=True)
class Named:
    """Webhooks of the configuration, at a time."""

    names: tuple[str, ...]
    at: datetime


def prepare(connection: Connection, items: Sequence[Named]) -> list[None]:
    """Add the webhooks that have no row, at a start: they hear of what happens from now on."""
    _mend_places(connection)
    for item in items:
        here = _values(feed.newest_place(connection))
        rows = [{"name": name, "due_at": item.at, **here} for name in item.names]
        connection.execute(or_skip(connection, webhooks), rows)
    return [None] * len(items)


def _mend_places(connection: Connection) -> None:
    """Write the places anew where a store was restored into, or moved to, a server that counts from the beginning."""
    rows = connection.execute(select(*_COLUMNS).order_by(webhooks.c.name).with_for_update()).all()
    places = {row.name: Webhook(*row).place for row in rows}
    if all(feed.is_of_this_server(connection, each) for each in places.values()):
        return
    firsts = {name: feed.first_after(connection, place) for name, place in places.items()}
    newest = feed.forget_transactions(connection)
    for name, first in firsts.items():
        position = newest if first is None else first - 1
        connection.execute(update(webhooks).where(webhooks.c.name == name).values(**_values(Place(position))))


def _values(place: Place) -> dict[str, int]:
    return {"position": place.position, "window_from": place.window_from, "window_to": place.window_to}


# --- serving -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    name: str
    node: str


def claim(connection: Connection, items: Sequence[Claim]) -> list[Webhook | None]:
    """Take webhooks for this node. None where another node serves it, where it is disabled, or unknown.

    A claim ends with its node, else two minutes after the last result by the database's clock. `due_at` is left
    to the caller.
    """
    return [_claim(connection, item) for item in items]


def _claim(connection: Connection, item: Claim) -> Webhook | None:
    gone = webhooks.c.holder.not_in(select(nodes.c.id))
    free = or_(webhooks.c.holder.is_(None), webhooks.c.held_until < database_now(), gone)
    mine = webhooks.c.holder == item.node
    wanted = (webhooks.c.name == item.name, webhooks.c.disabled_at.is_(None), free | mine)
    taken = connection.execute(update(webhooks).where(*wanted).values(**_held(item.node)))
    return load(connection, item.name) if taken.rowcount else None


def _held(node: str) -> dict[str, object]:
    until = type_coerce(database_now(), BigInteger) + HELD_FOR // timedelta(microseconds=1)
    return {"holder": node, "held_until": until}


def release(connection: Connection, items: Sequence[Claim]) -> list[None]:
    """Let another node serve these webhooks at once."""
    for item in items:
        mine = (webhooks.c.name == item.name, webhooks.c.holder == item.node)
        connection.execute(update(webhooks).where(*mine).values(holder=None, held_until=None))
    return [None] * len(items)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to send an entry of the feed. `code`: of the answer, None without one. `error`: "" for a success."""

    feed_id: int
    at: datetime
    code: int | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """What came of serving a webhook: it was at `before`, and is at `place`.

    - `failures`: how many of the newest attempts failed; the next one is at `due_at`. 0 where the last was good.
    - `disabled_by`: who or what disables it, "" where it goes on.
    """

    claim: Claim
    before: Place
    place: Place
    at: datetime
    attempts: tuple[Attempt, ...] = ()
    failures: int = 0
    due_at: datetime | None = None
    disabled_by: str = ""


def record(connection: Connection, items: Sequence[Progress]) -> list[bool]:
    """Record progress. False where the webhook is another node's by now, was moved or disabled meanwhile.

    The attempts are kept all the same: they took place.
    """
    return [_record(connection, item) for item in items]


def _record(connection: Connection, item: Progress) -> bool:
    if item.attempts:
        rows = [
            {
                "webhook": item.claim.name,
                **{each.name: getattr(attempt, each.name) for each in fields(Attempt)},
            }
            for attempt in item.attempts
        ]
        connection.execute(insert(webhook_attempts), rows)
    mine = (webhooks.c.name == item.claim.name, webhooks.c.holder == item.claim.node)
    here = [webhooks.c[name] == value for name, value in _values(item.before).items()]
    wanted = (*mine, *here, webhooks.c.disabled_at.is_(None))
    values = {**_values(item.place), **_held(item.claim.node), **_outcome(item)}
    return connection.execute(update(webhooks).where(*wanted).values(values)).rowcount > 0


def _outcome(item: Progress) -> dict[str, object]:
    good = [attempt.at for attempt in item.attempts if not attempt.error]
    values: dict[str, object] = {"delivered_at": good[-1]} if good else {}
    if item.failures:
        last = item.attempts[-1].error[:500]
        values |= {"failures": item.failures, "error": last, "due_at": item.due_at}
    elif good:
        values |= {"failures": 0, "error": None}
    if item.disabled_by:
        values |= {"disabled_at": item.at, "disabled_by": item.disabled_by}
    return values


# --- what operators do -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """An operator's act on a webhook. `place`: where it goes on, None where it stays."""

    name: str
    at: datetime
    by: str = ""
    place: Place | None = None


def disable(connection: Connection, items: Sequence[Change]) -> list[bool]:
    """Send nothing more until it is enabled. False where it is unknown or disabled already."""
    return [
        _change(
            connection, item.name, webhooks.c.disabled_at.is_(None), disabled_at=item.at, disabled_by=item.by
        )
        for item in items
    ]


def enable(connection: Connection, items: Sequence[Change]) -> list[bool]:
    """Go on where it stopped, at once. False where it is unknown, or neither disabled nor waiting after a failure."""
    stands = or_(webhooks.c.disabled_at.is_not(None), webhooks.c.failures > 0)
    fresh = {"disabled_at": None, "disabled_by": "", "failures": 0, "error": None}
    return [_change(connection, item.name, stands, **fresh, due_at=item.at) for item in items]


def move(connection: Connection, items: Sequence[Change]) -> list[bool]:
    """Go on from another place, at once. False where it is unknown."""
    return [
        _change(connection, item.name, None, **_values(item.place), due_at=item.at, failures=0, error=None)
        for item in items
        if item.place
    ]


def _change(
    connection: Connection, name: str, condition: ColumnElement[bool] | None, **values: object
) -> bool:
    wanted = [webhooks.c.name == name, *([] if condition is None else [condition])]
    return connection.execute(update(webhooks).where(*wanted).values(values)).rowcount > 0


def attempts_of(connection: Connection, name: str, limit: int) -> list[Attempt]:
    """List the last attempts, the newest first."""
    columns = (webhook_attempts.c[each.name] for each in fields(Attempt))
    query = select(*columns).where(webhook_attempts.c.webhook == name)
    rows = connection.execute(query.order_by(webhook_attempts.c.id.desc()).limit(limit))
    return [Attempt(*row) for row in rows]


# --- cleaning ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Old:
    """What is older than `at`. `names`: the webhooks of the configuration. `limit`: rows in one transaction."""

    at: datetime
    names: Collection[str]
    limit: int


def remove_old(connection: Connection, items: Sequence[Old]) -> list[int]:
    """Remove old attempts, and old entries of the feed that every enabled webhook is past. Return how many."""
    return [
        _remove_attempts(connection, item)
        + feed.remove_before(connection, item.at, _past(connection, item), item.limit)
        for item in items
    ]


def _remove_attempts(connection: Connection, item: Old) -> int:
    old = select(webhook_attempts.c.id).where(webhook_attempts.c.at < item.at)
    ids = old.order_by(webhook_attempts.c.at).limit(item.limit).scalar_subquery()
    return connection.execute(delete(webhook_attempts).where(webhook_attempts.c.id.in_(ids))).rowcount


def _past(connection: Connection, item: Old) -> int:
    """Return the id up to which every enabled webhook is past."""
    return min(
        (_past_of(connection, each) for each in list_all(connection) if _counts(each, item)), default=_ALL
    )


_ALL = (1 << 63) - 1


def _counts(webhook: Webhook, item: Old) -> bool:
    return webhook.name in item.names and webhook.disabled_at is None


def _past_of(connection: Connection, webhook: Webhook) -> int:
    """Return the id before the first entry that the webhook has not got."""
    first = feed.first_after(connection, webhook.place)
    return _ALL if first is None else first - 1
