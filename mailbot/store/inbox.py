"""Raw mail that we accepted: kept before the 250, claimed by intake, parked when it can't be handled."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    case,
    literal_column,
    or_,
    select,
    update,
)

from mailbot.domain.model import Envelope, InboxState, ReadAhead
from mailbot.store.database.prepared import Prepared, adding
from mailbot.store.engine import insert_or_skip, or_skip
from mailbot.store.schema import NEW, database_now, inbox, raw_mails
from mailbot.store.service import claims
from mailbot.store.service.claims import Held

MAX_ATTEMPTS = 3  # workers that may die on one mail before it is parked (promise P5)


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A mail as it came: what the listener hands over."""

    fingerprint: str
    envelope: Envelope
    raw: bytes
    attempts: int = 0  # of deciding about it, that ended a process
    read_ahead: ReadAhead | None = None  # by a front process


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a mail is kept. `known`: the same mail had been kept before, nothing was added.

    `decided`: its ticket was recorded with it. Else it waits for intake.
    """

    inbox_id: int
    known: bool = False
    decided: bool = False


@dataclass(frozen=True, slots=True)
class ClaimedMail:
    """A kept mail that this node may now work on. `more_wait`: for want of bytes the claim left out others."""

    inbox_id: int
    envelope: Envelope
    raw: bytes
    attempts: int
    more_wait: bool = False


def keep(connection: Connection, items: Sequence[ReceivedMail]) -> list[Receipt]:
    """Keep each mail once. A fingerprint that was seen before returns the id of the first copy."""
    unique = {item.fingerprint: item for item in items}
    fresh = _add(connection, list(unique.values()))
    if fresh:
        _ADD_RAW.run(
            connection, [{"inbox_id": id_, "content": unique[mark].raw} for mark, id_ in fresh.items()]
        )
    old = _ids(connection, [mark for mark in unique if mark not in fresh])
    receipts, told = [], set[str]()
    for item in items:
        mark = item.fingerprint
        receipts.append(Receipt((fresh | old)[mark] if old else fresh[mark], mark in old or mark in told))
        told.add(mark)
    return receipts


_COLUMNS = ("fingerprint", "received_at", "sender", "recipients", "peer", "size", "attempts")
_ADD = Prepared(
    lambda dialect: insert_or_skip(dialect, inbox, ("fingerprint",)).returning(inbox.c.id), _COLUMNS
)
_ADD_RAW = adding(raw_mails, ("inbox_id", "content"))


def _add(connection: Connection, items: Sequence[ReceivedMail]) -> dict[str, int]:
    """Add the mails that are new. Map their fingerprints to ids."""
    if connection.dialect.name == "postgresql":  # one round trip for all
        adding_all = or_skip(connection, inbox, "fingerprint").returning(inbox.c.id, inbox.c.fingerprint)
        added = connection.execute(adding_all, [_row(item) for item in items])
        return {row.fingerprint: row.id for row in added}
    ids = {item.fingerprint: _ADD.fetch(connection, _row(item)) for item in items}
    return {fingerprint: rows[0][0] for fingerprint, rows in ids.items() if rows}


def _row(item: ReceivedMail) -> dict[str, object]:
    envelope = item.envelope
    return {
        "fingerprint": item.fingerprint,
        "received_at": envelope.received_at,
        "sender": envelope.sender,
        "recipients": list(envelope.recipients),
        "peer": envelope.peer,
        "size": len(item.raw),
        "attempts": item.attempts,
    }


def _ids(connection: Connection, fingerprints: Sequence[str]) -> dict[str, int]:
    if not fingerprints:
        return {}
    query = select(inbox.c.fingerprint, inbox.c.id).where(inbox.c.fingerprint.in_(fingerprints))
    return {row.fingerprint: row.id for row in connection.execute(query)}


@dataclass(frozen=True, slots=True)
class Claim:
    """Up to `limit` waiting mails of MOST_AT_ONCE bytes for `node`, among those with so many attempts."""

    node: str
    limit: int
    attempts: tuple[int, ...] = (0,)


def claim(connection: Connection, items: Sequence[Claim]) -> list[list[ClaimedMail]]:
    """Claim the oldest waiting mails for each node. They are the node's own from this commit on."""
    return [_claim(connection, item) for item in items]


MOST_AT_ONCE = 16_000_000  # bytes of mails in one claim, or a single mail
LARGE = 1_000_000  # bytes: the content of a larger mail is loaded only when it is claimed

_FREE = (
    select(inbox, case((inbox.c.size <= literal_column(str(LARGE)), raw_mails.c.content)).label("content"))
    .join(raw_mails)
    .where(
        inbox.c.state == NEW,
        inbox.c.claimed_by.is_(None),
        inbox.c.attempts.in_(bindparam("attempts", expanding=True)),
    )
    .order_by(inbox.c.id)
    .limit(bindparam("most"))
    .with_for_update(of=inbox, skip_locked=True)
)
_TAKE = (
    update(inbox)
    .where(inbox.c.id.in_(bindparam("ids", expanding=True)))
    .values(claimed_by=bindparam("node"), claimed_at=database_now())
)
_DONE = Prepared(
    lambda dialect: (
        update(inbox)
        .where(
            inbox.c.id == bindparam("b_id"),
            inbox.c.state == NEW,
            inbox.c.claimed_by.is_not_distinct_from(bindparam("b_node")),
        )
        .values(state=InboxState.DONE, claimed_by=None, claimed_at=None, ticket=bindparam("b_ticket"))
    )
)


def _claim(connection: Connection, wanted: Claim) -> list[ClaimedMail]:
    found = connection.execute(_FREE, {"attempts": wanted.attempts, "most": wanted.limit}).all()
    rows = list(_within(found, MOST_AT_ONCE))
    if rows:
        connection.execute(_TAKE, {"ids": [row.id for row in rows], "node": wanted.node})
    large = _contents(connection, [row.id for row in rows if row.content is None])
    was_cut = len(rows) < len(found)
    return [
        ClaimedMail(row.id, _envelope_of(row), large.get(row.id, row.content), row.attempts, was_cut)
        for row in rows
    ]


def _within(rows: Sequence[Row[Any]], size: int) -> Iterator[Row[Any]]:
    """Yield the first rows, at least one, whose mails have so many bytes together."""
    total = 0
    for row in rows:
        total += row.size
        if total > size and total > row.size:
            return
        yield row


def _contents(connection: Connection, ids: Sequence[int]) -> dict[int, bytes]:
    if not ids:
        return {}
    query = select(raw_mails.c.inbox_id, raw_mails.c.content).where(raw_mails.c.inbox_id.in_(ids))
    return {row.inbox_id: row.content for row in connection.execute(query)}


def _envelope_of(row: Row[Any]) -> Envelope:
    return Envelope(row.sender, tuple(row.recipients), row.peer, row.received_at)


@dataclass(frozen=True, slots=True)
class Done:
    """`ticket` is where the mail went. `node` is its holder, None where nobody had to claim it."""

    inbox_id: int
    node: str | None
    ticket: str


class ClaimLost(Exception):
    """Another node took the mail because it regarded us as dead. Nothing of ours may be recorded."""


def mark_done(connection: Connection, items: Sequence[Done]) -> None:
    """Mark mails as done, in the transaction that records what they led to."""
    rows = [{"b_id": item.inbox_id, "b_node": item.node, "b_ticket": item.ticket} for item in items]
    changed = _DONE.run(connection, rows) if rows else 0
    if changed != len(items):
        raise ClaimLost(f"{len(items) - changed} of {len(items)} mails are no longer ours")


@dataclass(frozen=True, slots=True)
class Unhandled:
    """A mail to park or to drop. Only its holder parks it, `node`; None: nobody holds it."""

    inbox_id: int
    reason: str
    node: str | None = None


_PARK = (
    update(inbox)
    .where(
        inbox.c.id == bindparam("b_id"),
        inbox.c.state == NEW,
        inbox.c.claimed_by.is_not_distinct_from(bindparam("b_node")),
    )
    .values(state=InboxState.PARKED, claimed_by=None, claimed_at=None, reason=bindparam("b_reason"))
)


def park(connection: Connection, items: Sequence[Unhandled]) -> list[bool]:
    """Park mails that their node can't handle. False: done already, or another node's by now."""
    rows = [{"b_id": item.inbox_id, "b_node": item.node, "b_reason": item.reason[:500]} for item in items]
    return [connection.execute(_PARK, row).rowcount == 1 for row in rows]


def release_unheld(connection: Connection, items: Sequence[Held]) -> list[int]:
    """Release what nodes have claimed and not in hand. Returns how many rows."""
    for item in items:
        claims.renew(connection, inbox, item)
    return [release(connection, claims.unheld(inbox, item), attempts=int(item.failed)) for item in items]


def release(connection: Connection, owned: ColumnElement[bool], *, attempts: int = 1) -> int:
    """Release claims, with so many more attempts, and park what had its last. Returns how many.

    `owned` selects them by their owner. An attempt is counted where a worker may have died on the mail.
    Rows that another transaction holds are left for the next call, at the next heartbeat.
    """
    mine = select(inbox.c.id).where(inbox.c.state == NEW, owned)
    ids = connection.scalars(mine.with_for_update(skip_locked=True)).all()
    if ids:
        released = {"claimed_by": None, "claimed_at": None, "attempts": inbox.c.attempts + attempts}
        connection.execute(update(inbox).where(inbox.c.id.in_(ids)).values(released))
        connection.execute(
            update(inbox)
            .where(inbox.c.id.in_(ids), inbox.c.attempts >= MAX_ATTEMPTS)
            .values(state=InboxState.PARKED, reason=f"{MAX_ATTEMPTS} workers died while handling it")
        )
    return len(ids)


def retry(connection: Connection, items: Sequence[int]) -> list[bool]:
    """Let parked, dropped and stuck mails wait again, attempts forgotten. False where the mail is none.

    Nor is one whose bytes retention deleted.
    """
    dropped = and_(inbox.c.state == InboxState.DONE, inbox.c.ticket.is_(None), inbox.c.deleted_at.is_(None))
    again = update(inbox).where(or_(inbox.c.state == InboxState.PARKED, dropped, claims.is_stuck(inbox)))
    again = again.values(state=InboxState.NEW, attempts=0, reason=None, claimed_by=None, claimed_at=None)
    return [connection.execute(again.where(inbox.c.id == id_)).rowcount == 1 for id_ in items]


def drop(connection: Connection, items: Sequence[Unhandled]) -> list[bool]:
    """Drop parked mails: done, on no ticket, their bytes kept. False where the mail is not parked."""
    done = update(inbox).where(inbox.c.state == InboxState.PARKED).values(state=InboxState.DONE)
    return [
        connection.execute(done.where(inbox.c.id == item.inbox_id).values(reason=item.reason[:500])).rowcount
        == 1
        for item in items
    ]
