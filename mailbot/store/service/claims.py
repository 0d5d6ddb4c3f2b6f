"""Who holds a row of inbox or outbox: what its node has in hand, what nobody has (promise P18).

Theory of operation. A claim is a commit, and the reply to a commit may be lost. Then the row is a node's that
does not know it. So a worker says now and then what it has in hand, and the store releases the rest of what
its node has claimed. The claims of nodes that are gone are released by any node's heartbeat.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Table,
    TextClause,
    and_,
    func,
    or_,
    select,
    type_coerce,
    update,
)

from mailbot.errors import StoreUnavailable
from mailbot.store.schema import MICROSECOND, NEW, UNDER_WAY, database_now, inbox, nodes, outbox
from mailbot.store.store import Store
from mailbot.store.writers import Op

# A node that was silent for so long is taken for dead: longer than any pause of a live one.
DEAD_AFTER = timedelta(seconds=60)
CHECK_EVERY = timedelta(seconds=10)  # how often a worker compares what it holds with what is claimed
RENEW_AFTER = timedelta(seconds=30)
STUCK_AFTER = timedelta(minutes=2)  # a claim that its node has not renewed for so long


@dataclass(frozen=True, slots=True)
class Held:
    """What a node has in hand. `failed`: it lost the rest by a fault of its own, not of the store."""

    node: str
    ids: tuple[int, ...]
    failed: bool = False


class Claims:
    """Compares what a worker has in hand with what is claimed for its node, when that may differ.

    `release` is `inbox.release_unheld` or `outbox.release_unheld`. Only for the one task that claims:
    a claim under way is not in hand yet.
    """

    def __init__(
        self,
        store: Store,
        node: str,
        release: Op[Held, int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._node, self._release, self._monotonic = store, node, release, monotonic
        self._check_at = monotonic() + CHECK_EVERY.total_seconds()
        self._failed = False

    def doubt(self, *, failed: bool = False) -> None:
        """Note that rows may be ours that are not in hand: check before the next claim."""
        self._check_at, self._failed = 0.0, self._failed or failed

    @contextmanager
    def doubt_on_error(self) -> Iterator[None]:
        """Note doubt when the work inside fails: what it had claimed is in hand no more."""
        try:
            yield
        except StoreUnavailable:
            self.doubt()
            raise
        except Exception:
            self.doubt(failed=True)
            raise

    @property
    def due(self) -> bool:
        """Return whether the next `check` compares."""
        return self._monotonic() >= self._check_at

    async def check(self, in_hand: Iterable[int]) -> int:
        """Release what is claimed and not in hand, in doubt or when it is time. Returns how many rows."""
        if not self.due:
            return 0
        held = Held(self._node, tuple(in_hand), self._failed)
        released = await self._store.write(self._release, held, quick=True)
        self._check_at, self._failed = self._monotonic() + CHECK_EVERY.total_seconds(), False
        return released


def _before(span: timedelta) -> ColumnElement[int]:
    """Return the moment so long ago, by the database's clock."""
    return type_coerce(database_now(), BigInteger) - span // MICROSECOND


def renew(connection: Connection, table: Table, held: Held) -> None:
    """Note that the node still has these rows in hand."""
    if held.ids:
        old = (
            table.c.id.in_(held.ids),
            table.c.claimed_by == held.node,
            table.c.claimed_at < _before(RENEW_AFTER),
        )
        connection.execute(update(table).where(*old).values(claimed_at=database_now()))


def unheld(table: Table, held: Held) -> ColumnElement[bool]:
    """Select what the node has claimed and not in hand."""
    return and_(table.c.claimed_by == held.node, table.c.id.not_in(held.ids))


def of_nobody(table: Table) -> ColumnElement[bool]:
    """Select what is claimed by a node that is not registered."""
    return and_(table.c.claimed_by.is_not(None), table.c.claimed_by.not_in(select(nodes.c.id)))


def _claimable(table: Table) -> ColumnElement[bool] | TextClause:
    """Select the states in which a row may be claimed, in words that the index of the table knows."""
    return inbox.c.state == NEW if table is inbox else UNDER_WAY


def is_stuck(table: Table) -> ColumnElement[bool]:
    """Select what is claimed by no living node, or by one that has not had it in hand for STUCK_AFTER."""
    living = select(nodes.c.id).where(nodes.c.seen_at >= _before(DEAD_AFTER))
    dead = table.c.claimed_by.not_in(living)
    old = table.c.claimed_at < _before(STUCK_AFTER)
    return and_(_claimable(table), table.c.claimed_by.is_not(None), or_(dead, old))


@dataclass(frozen=True, slots=True)
class StuckClaims:
    """Rows of one table: `of_nobody` are claimed by no registered node, `too_long` not renewed for STUCK_AFTER."""

    of_nobody: int
    too_long: int

    @property
    def rows(self) -> int:
        """Return how many rows at least: one may be both."""
        return max(self.of_nobody, self.too_long)


def count_stuck(connection: Connection) -> dict[str, StuckClaims]:
    """Count claims that stick in "inbox" and "outbox". All are 0 while all goes well."""
    return {name: _count(connection, table) for name, table in (("inbox", inbox), ("outbox", outbox))}


def _count(connection: Connection, table: Table) -> StuckClaims:
    old = table.c.claimed_at < _before(STUCK_AFTER)
    counts = (func.count().filter(of_nobody(table)), func.count().filter(old))
    query = select(*counts).select_from(table).where(_claimable(table), table.c.claimed_by.is_not(None))
    return StuckClaims(*connection.execute(query).one())
