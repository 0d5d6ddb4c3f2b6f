"""Mail to send: claimed, marked before the final dot, settled; each step is a commit of its own.

Theory of operation. A row is `due`, then `sending` once claimed, then `dot` just before the final dot leaves,
then `sent`, `deferred` or `failed`. After a crash a row at `dot` is unknown: it is sent again and counted. A
row before `dot` is released uncounted. So a second copy can only come from `dot`. A third unknown in a row fails
the mail: a relay that takes mail without a reply gets three copies at most.

The node that enqueues a mail may send it itself: then the row begins as `sending`, or as `dot` where a connection
waits for it. Such a row has no `claimed_at` until something else is written about it: it may never have left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, get_args

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, insert, select, text, update

from mailbot.domain.model import AttemptOutcome, OutboxState
from mailbot.domain.notices import Acknowledgement, Notice
from mailbot.domain.people.identities import channel_of, is_identity
from mailbot.domain.reasons import Reason
from mailbot.store import frozen, suppressions
from mailbot.store.codec import reason_of, reason_text
from mailbot.store.database.prepared import Prepared, adding
from mailbot.store.schema import UNDER_WAY, WAITING, Moment, attempts, database_now, outbox
from mailbot.store.service import claims
from mailbot.store.service.claims import Held

LANES = tuple(sorted({notice.lane for notice in get_args(Notice)}))
AT_ONCE = 500  # ids in one statement
LARGEST_OWN = 1_000_000  # bytes of a mail that waits in memory
LONGEST_REPLY = 200  # characters of a relay's reply that are kept
MAX_SEARCHES = 8  # in a lane, each behind the domains that have their share
MAX_UNKNOWN = 3  # copies that the relay may have taken in a row without a reply
UNKNOWN_PAUSE = timedelta(hours=2)  # before the last of them: a person or the relay may mend it
TOO_MANY_UNKNOWN = f"the relay took it {MAX_UNKNOWN} times without a reply: it may have arrived"

# What leaves by the relay: the name of another channel ends in a colon.
BY_RELAY = text("outbox.domain NOT LIKE '%:'")

# As literal text: a planner can't match a bound parameter with the condition of a partial index.


@dataclass(frozen=True, slots=True)
class OutboxMail:
    """A mail as it will leave, lane 0 first. A `reason` means: suppressed; `content` may then be None."""

    nonce: str
    message_id: str
    ticket: str
    kind: str
    lane: int
    sender: str  # of the envelope
    recipient: str
    content: bytes | None
    reason: Reason
    requested_at: datetime  # receipt of the mail that it answers
    due_at: datetime
    why: str = ""  # the subject of a team notice
    parts: frozen.Parts = ()  # of `content`: shared with other mails
    act: str | None = None  # of an agent, that can be taken back until `due_at`


@dataclass(eq=False, slots=True)
class Allowance:
    """Lets `node` send so many of the mails that are enqueued itself, so many of these at once, past their dot.

    `own` collects them. `left`: others are due as well, and wait in the store.
    """

    node: str
    now: datetime
    rows: int
    dots: int = 0
    own: "list[Claimed]" = field(default_factory=list)
    left: bool = False


def enqueue(connection: Connection, items: Sequence[OutboxMail], allowance: Allowance | None = None) -> None:
    """Enqueue mail, in the transaction of the decision that asked for it.

    Raises IntegrityError for a ticket's second acknowledgement, ValueError for a mail that can't be sent.
    """
    for item in items:
        if item.lane not in LANES or (item.content is None and not item.reason):
            raise ValueError(f"{item.kind} {item.nonce} could never leave")
    own = _own_share(items, allowance) if allowance else []
    kept_apart = {item.nonce for item in own}
    if rest := [_row(item) for item in items if item.nonce not in kept_apart]:
        _ADD.run(connection, rest)
    if allowance and own:
        _enqueue_own(connection, own, allowance)
    whole = [(each.nonce, each.content, each.parts) for each in items if each.content is not None]
    frozen.keep(connection, whole)


def _own_share(items: Sequence[OutboxMail], allowance: Allowance) -> list[OutboxMail]:
    """Return the mails that the allowance covers: those first in line, none for another channel than mail."""
    mails = (item for item in items if not is_identity(item.recipient))
    due = [item for item in mails if not item.reason and item.due_at <= allowance.now]
    small = [item for item in due if item.content is not None and len(item.content) <= LARGEST_OWN]
    own = sorted(small, key=lambda item: item.lane)[: allowance.rows]
    allowance.left |= len(own) < len(due)
    allowance.rows -= len(own)
    return own


def _enqueue_own(connection: Connection, items: Sequence[OutboxMail], allowance: Allowance) -> None:
    for item in items:
        marked = allowance.dots > 0
        allowance.dots -= marked
        state = OutboxState.DOT if marked else OutboxState.SENDING
        claimed = {"state": state, "claimed_by": allowance.node, "dot_at": allowance.now if marked else None}
        ((id_,),) = _ADD_OWN.fetch(connection, {**_row(item), **claimed})
        allowance.own.append(_own(item, id_, marked=marked))


def _own(item: OutboxMail, id_: int, *, marked: bool) -> "Claimed":
    return Claimed(
        content=item.content,
        more_wait=False,
        id=id_,
        ticket=item.ticket,
        kind=item.kind,
        lane=item.lane,
        sender=item.sender,
        recipient=item.recipient,
        domain=_domain(item),
        requested_at=item.requested_at,
        due_at=item.due_at,
        attempts=0,
        unknown_in_a_row=0,
        marked=marked,
    )


def _domain(item: OutboxMail) -> str:
    """Return the domain of the recipient, or its channel as in "telegram:": no mail domain has a colon."""
    if is_identity(item.recipient):
        return f"{channel_of(item.recipient)}:"
    return item.recipient.rpartition("@")[2].lower()


_COPIED = tuple(
    name for name in OutboxMail.__dataclass_fields__ if name not in ("content", "reason", "parts")
)
_COLUMNS = (*_COPIED, "domain", "state", "reason", "settled_at")
_ADD = adding(outbox, _COLUMNS)
_ADD_OWN = Prepared(
    lambda dialect: insert(outbox).returning(outbox.c.id), (*_COLUMNS, "claimed_by", "dot_at")
)


def _row(item: OutboxMail) -> dict[str, object]:
    return {
        **{name: getattr(item, name) for name in _COPIED},
        "domain": _domain(item),
        "state": OutboxState.SUPPRESSED if item.reason else OutboxState.DUE,
        "reason": reason_text(item.reason) or None,
        "settled_at": item.requested_at if item.reason else None,
    }


@dataclass(frozen=True, slots=True)
class SuppressedMail:
    nonce: str
    reason: Reason


def suppressed_acknowledgement(connection: Connection, ticket: str) -> SuppressedMail | None:
    """Return the row of an acknowledgement that never left, None where the ticket has none."""
    wanted = (outbox.c.ticket == ticket, outbox.c.kind == Acknowledgement.name)
    query = select(outbox.c.nonce, outbox.c.reason).where(*wanted, outbox.c.state == OutboxState.SUPPRESSED)
    row = connection.execute(query).one_or_none()
    return SuppressedMail(row.nonce, reason_of(row.reason)) if row else None


def withdraw(connection: Connection, nonce: str) -> None:
    """Remove a row that never left, in the transaction that enqueues another in its place."""
    connection.execute(
        delete(outbox).where(outbox.c.nonce == nonce, outbox.c.state == OutboxState.SUPPRESSED)
    )


@dataclass(frozen=True, slots=True)
class Claim:
    """Up to `limit` mails that are due, without `excluded`: ids whose last result is still being written.

    `quotas`: how many of them may go to which domain, `quota` to any other. `size`: bytes of all of them together, or
    of a single mail.
    """

    node: str
    limit: int
    now: datetime
    excluded: tuple[int, ...] = ()
    quotas: Mapping[str, int] = field(default_factory=dict)
    quota: int = 1_000_000
    size: int = 32_000_000


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail that this node may send now. `content` is None when its frozen bytes are missing.

    `more_wait`: for want of bytes the claim left out others.
    """

    content: bytes | None
    more_wait: bool
    id: int
    ticket: str
    kind: str
    lane: int
    sender: str
    recipient: str
    domain: str
    requested_at: datetime
    due_at: datetime
    attempts: int
    unknown_in_a_row: int
    marked: bool = False  # `dot` was committed with it

    @property
    def size(self) -> int:
        return len(self.content or b"")


_NOT_STORED = ("content", "marked", "more_wait")
_CLAIM = (
    select(
        outbox.c.nonce,
        *(outbox.c[name] for name in Claimed.__dataclass_fields__ if name not in _NOT_STORED),
    )
    .where(
        WAITING,
        outbox.c.lane == bindparam("lane"),
        outbox.c.due_at <= bindparam("now"),
        outbox.c.id.not_in(bindparam("excluded", expanding=True)),
        outbox.c.domain.not_in(bindparam("full", expanding=True)),
        BY_RELAY,
    )
    .order_by(outbox.c.due_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_TAKE = (
    update(outbox)
    .where(outbox.c.id.in_(bindparam("ids", expanding=True)))
    .values(state=OutboxState.SENDING, claimed_by=bindparam("node"), claimed_at=database_now())
)


def claim(connection: Connection, items: Sequence[Claim]) -> list[list[Claimed]]:
    """Claim due mails that no other node holds for each node: the lower lane first, then the longest due."""
    return [_claim(connection, item) for item in items]


def _claim(connection: Connection, wanted: Claim) -> list[Claimed]:
    rows: list[Any] = []
    quotas = dict(wanted.quotas)
    for lane in LANES:  # lane by lane: `lane = ? AND due_at <= ?` is one stretch of the index
        for _ in range(MAX_SEARCHES):
            most = wanted.limit - len(rows)
            if most <= 0 or not _claim_lane(connection, wanted, lane, most, rows, quotas):
                break
    return _take(connection, rows, wanted.node, wanted.size)


def _claim_lane(
    connection: Connection, wanted: Claim, lane: int, most: int, rows: list[Any], quotas: dict[str, int]
) -> bool:
    """Add up to `most` mails that the quotas allow to `rows`. Return whether to look behind those left out."""
    full = [domain for domain, quota in quotas.items() if quota <= 0]
    excluded = (*wanted.excluded, *(row.id for row in rows)) if rows else wanted.excluded
    values = {"lane": lane, "now": wanted.now, "most": most, "excluded": excluded, "full": full}
    found, before = connection.execute(_CLAIM, values).all(), len(rows)
    for row in found:
        quotas[row.domain] = quotas.get(row.domain, wanted.quota) - 1
        if quotas[row.domain] >= 0:
            rows.append(row)
    return len(found) == most and len(rows) - before < most


@dataclass(frozen=True, slots=True)
class ChannelClaim:
    """Up to `limit` messages of a channel that are due."""

    node: str
    channel: str
    limit: int
    now: datetime


_CLAIM_OF_CHANNEL = (
    select(
        outbox.c.nonce,
        *(outbox.c[name] for name in Claimed.__dataclass_fields__ if name not in _NOT_STORED),
    )
    .where(
        WAITING,
        outbox.c.lane.in_(LANES),
        outbox.c.due_at <= bindparam("now"),
        outbox.c.domain == bindparam("domain"),
    )
    .order_by(outbox.c.lane, outbox.c.due_at, outbox.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)


def channel_is_due(connection: Connection, channel: str, now: datetime) -> bool:
    """Check whether a message of a channel is due: a claim that finds none is a write for nothing."""
    its = (WAITING, outbox.c.lane.in_(LANES), outbox.c.due_at <= now, outbox.c.domain == f"{channel}:")
    return connection.execute(select(outbox.c.id).where(*its).limit(1)).first() is not None


def claim_of_channel(connection: Connection, items: Sequence[ChannelClaim]) -> list[list[Claimed]]:
    """Claim messages that no other node holds, the lower lane first, then the longest due."""
    return [_claim_of_channel(connection, item) for item in items]


def _claim_of_channel(connection: Connection, wanted: ChannelClaim) -> list[Claimed]:
    values = {"now": wanted.now, "domain": f"{wanted.channel}:", "most": wanted.limit}
    return _take(connection, connection.execute(_CLAIM_OF_CHANNEL, values).all(), wanted.node)


@dataclass(frozen=True, slots=True)
class Trial:
    """One due mail for a relay in trouble. `from_last_lane`: begin with the mail that is last in line."""

    node: str
    now: datetime
    excluded: tuple[int, ...] = ()
    from_last_lane: bool = False


def claim_trial(connection: Connection, items: Sequence[Trial]) -> list[list[Claimed]]:
    """Claim one mail for each node, if there is one: rather one that was never tried."""
    return [_claim_trial(connection, item) for item in items]


_CLAIM_UNTRIED = _CLAIM.where(outbox.c.attempts == 0)


def _claim_trial(connection: Connection, wanted: Trial) -> list[Claimed]:
    lanes = LANES[::-1] if wanted.from_last_lane else LANES
    for statement in (_CLAIM_UNTRIED, _CLAIM):
        for lane in lanes:
            values = {"lane": lane, "now": wanted.now, "most": 1, "excluded": wanted.excluded, "full": []}
            if rows := connection.execute(statement, values).all():
                return _take(connection, rows, wanted.node)
    return []


def _take(connection: Connection, rows: Sequence[Any], node: str, size: int | None = None) -> list[Claimed]:
    if not rows:
        return []
    contents, count = frozen.load_first(connection, [row.nonce for row in rows], size)
    connection.execute(_TAKE, {"ids": [row.id for row in rows[:count]], "node": node})
    was_cut = count < len(rows)
    return [Claimed(contents.get(nonce), was_cut, *columns) for nonce, *columns in rows[:count]]


@dataclass(frozen=True, slots=True)
class FinalDot:
    """The final dot of this mail comes next."""

    id: int
    node: str
    at: datetime


_MARK = (
    update(outbox)
    .where(
        outbox.c.id.in_(bindparam("ids", expanding=True)),
        outbox.c.state == OutboxState.SENDING,
        outbox.c.claimed_by == bindparam("node"),
    )
    .values(
        state=OutboxState.DOT,
        dot_at=bindparam("at"),
        claimed_at=func.coalesce(outbox.c.claimed_at, database_now()),
    )
    .returning(outbox.c.id)
)


def mark_dot(connection: Connection, items: Sequence[FinalDot]) -> list[bool]:
    """Record that final dots are sent next. False: another node has the row, and it must not be sent."""
    ours: set[tuple[str, int]] = set()
    for node in {item.node for item in items}:
        group = [item for item in items if item.node == node]
        at = max(item.at for item in group)
        rows = connection.scalars(_MARK, {"ids": [item.id for item in group], "node": node, "at": at})
        ours.update((node, id_) for id_ in rows)
    return [(item.node, item.id) in ours for item in items]


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """What became of one attempt. `due_at`: when it is tried again (deferred and unknown), else None.

    unknown: the connection died after the final dot left, so the relay may or may not have the mail. Without
    `due_at` it is given up.
    """

    id: int
    node: str
    outcome: AttemptOutcome
    at: datetime
    code: int | None
    reply: str
    due_at: datetime | None = None


class ClaimLost(Exception):
    """Some of the group are no longer ours. The store then tries each one alone."""


# What ends an attempt, whatever came of it: the row is nobody's, and counts one attempt more.
_ENDED = {
    "state": bindparam("b_state"),
    "claimed_by": None,
    "claimed_at": None,
    "due_at": func.coalesce(bindparam("b_due_at", type_=Moment), outbox.c.due_at),
    "settled_at": bindparam("b_settled_at"),
    "attempts": outbox.c.attempts + 1,
    "reply": bindparam("b_reply"),
}
_RECORD = Prepared(
    lambda dialect: (
        update(outbox)
        .where(outbox.c.id == bindparam("b_id"), outbox.c.claimed_by == bindparam("b_node"), UNDER_WAY)
        .values(
            **_ENDED,
            unknown=outbox.c.unknown + bindparam("b_unknown"),
            unknown_in_a_row=outbox.c.unknown_in_a_row * bindparam("b_unjudged") + bindparam("b_unknown"),
            code=bindparam("b_code"),
        )
    )
)


_ADD_ATTEMPT = adding(attempts, ("outbox_id", "at", "node", "outcome", "code", "reply"))


def record_results(connection: Connection, items: Sequence[AttemptResult]) -> list[bool]:
    """Record outcomes, with an attempt each. False: no longer ours, nothing recorded. Raises ClaimLost."""
    changed = _RECORD.run(connection, [_result_row(item) for item in items])
    if changed != len(items):
        if len(items) > 1:
            raise ClaimLost(f"{len(items) - changed} of {len(items)} mails")
        return [False]
    _ADD_ATTEMPT.run(connection, [_attempt(item) for item in items])
    return [True] * len(items)


def _result_row(item: AttemptResult) -> dict[str, object]:
    unknown = item.outcome == AttemptOutcome.UNKNOWN
    unknown_state = OutboxState.DEFERRED if item.due_at else OutboxState.FAILED
    return {
        "b_id": item.id,
        "b_node": item.node,
        "b_state": unknown_state if unknown else item.outcome,
        "b_due_at": item.due_at,
        "b_settled_at": None if item.due_at else item.at,
        "b_unknown": int(unknown),
        "b_unjudged": int(item.code is None),  # a reply of the relay ends the row of unknowns
        "b_code": item.code,
        "b_reply": storable(item.reply),
    }


def _attempt(item: AttemptResult) -> dict[str, object]:
    copied = {name: getattr(item, name) for name in ("at", "node", "outcome", "code")}
    return {"outbox_id": item.id, **copied, "reply": storable(item.reply)}


def storable(reply: str) -> str:
    """Make a relay's reply one printable line of bounded length."""
    short = reply[: 4 * LONGEST_REPLY].replace("\n", " ")
    return "".join(c for c in short if c.isprintable())[:LONGEST_REPLY]


@dataclass(frozen=True, slots=True)
class Unsent:
    """A mail to give back unsent. `due_at` lets it stand behind others; None leaves its place in line."""

    id: int
    node: str
    due_at: datetime | None = None


_GIVE_BACK = (
    update(outbox)
    .where(outbox.c.id == bindparam("b_id"), outbox.c.claimed_by == bindparam("b_node"), UNDER_WAY)
    .values(
        state=OutboxState.DUE,
        claimed_by=None,
        claimed_at=None,
        dot_at=None,
        due_at=func.coalesce(bindparam("b_due_at", type_=Moment), outbox.c.due_at),
    )
)


def give_back(connection: Connection, items: Sequence[Unsent]) -> list[None]:
    """Return mails without counting an attempt. Only for mails whose dot was not sent, marked or not."""
    rows = [{"b_id": item.id, "b_node": item.node, "b_due_at": item.due_at} for item in items]
    connection.execute(_GIVE_BACK, rows)
    return [None] * len(items)


def release_unheld(connection: Connection, items: Sequence[Held]) -> list[int]:
    """Release what nodes have claimed and not in hand. Returns how many rows."""
    for item in items:
        claims.renew(connection, outbox, item)
    return [release(connection, and_(claims.unheld(outbox, item), BY_RELAY)) for item in items]


def release_unheld_of_channel(channel: str, connection: Connection, items: Sequence[Held]) -> list[int]:
    """Release what nodes have claimed of a channel's messages and not in hand. Returns how many rows."""
    its = outbox.c.domain == f"{channel}:"
    return [release(connection, and_(claims.unheld(outbox, item), its)) for item in items]


def release(connection: Connection, owned: ColumnElement[bool]) -> int:
    """Release claims, which `owned` selects by their owner, and count rows at `dot` as unknown. Returns how many.

    Rows that another transaction holds are left for the next call, at the next heartbeat.
    """
    return len(_release(connection, owned))


def _release(connection: Connection, owned: ColumnElement[bool]) -> list[int]:
    names = ("id", "state", "claimed_by", "claimed_at", "dot_at", "unknown_in_a_row")
    columns = (outbox.c[name] for name in names)
    rows = connection.execute(
        select(*columns).where(UNDER_WAY, owned).with_for_update(skip_locked=True)
    ).all()
    released = {"state": OutboxState.DUE, "claimed_by": None, "claimed_at": None}
    unsent = [row.id for row in rows if row.state == OutboxState.SENDING]
    if unsent:
        connection.execute(update(outbox).where(outbox.c.id.in_(unsent)).values(released))
    _release_unknown(connection, [row for row in rows if row.state == OutboxState.DOT])
    return [row.id for row in rows]


_LEFT_AT_DOT = (
    update(outbox)
    .where(outbox.c.id == bindparam("b_id"))
    .values(
        **_ENDED,
        unknown=outbox.c.unknown + 1,
        unknown_in_a_row=bindparam("b_in_a_row"),
        code=None,
    )
)


def _release_unknown(connection: Connection, rows: Sequence[Any]) -> None:
    """Let mails that a dead node left at the dot wait again: the second time in a row later, then never."""
    if not rows:
        return
    why = "the sending process died before the reply to the final dot was recorded"
    unknown = {"outcome": AttemptOutcome.UNKNOWN, "reply": why}
    connection.execute(_LEFT_AT_DOT, [_left_at_dot(row, why) for row in rows])
    tried = [{"outbox_id": row.id, "at": row.dot_at, "node": row.claimed_by} | unknown for row in rows]
    connection.execute(insert(attempts), tried)


def _left_at_dot(row: Any, why: str) -> dict[str, object]:
    # One that was enqueued at its dot has probably not left, and no mail is blamed for a kill from outside.
    in_a_row = row.unknown_in_a_row + (row.claimed_at is not None)
    given_up = in_a_row >= MAX_UNKNOWN
    return {
        "b_id": row.id,
        "b_in_a_row": in_a_row,
        "b_state": OutboxState.FAILED if given_up else OutboxState.DUE,
        "b_due_at": row.dot_at + UNKNOWN_PAUSE if in_a_row == MAX_UNKNOWN - 1 else None,
        "b_settled_at": row.dot_at if given_up else None,
        "b_reply": TOO_MANY_UNKNOWN if given_up else why,
    }


def next_due(connection: Connection) -> datetime | None:
    """Return when the next waiting mail may be tried; None when none waits."""
    first = select(outbox.c.due_at).where(WAITING, BY_RELAY).order_by(outbox.c.due_at).limit(1)
    firsts = (connection.scalar(first.where(outbox.c.lane == lane)) for lane in LANES)
    return min((due_at for due_at in firsts if due_at is not None), default=None)


@dataclass(frozen=True, slots=True)
class Retry:
    id: int
    now: datetime


def retry(connection: Connection, items: Sequence[Retry]) -> list[bool]:
    """Retry failed, deferred and stuck mails now, as if for the first time. False: it is in no such state."""
    named = outbox.c.id.in_([item.id for item in items])
    freed = _release(connection, and_(named, claims.is_stuck(outbox)))
    states = (OutboxState.FAILED, OutboxState.DEFERRED)
    again = {"state": OutboxState.DUE, "attempts": 0, "unknown_in_a_row": 0, "settled_at": None}
    due = (*states, OutboxState.DUE)
    # Of others retention has deleted what would be sent.
    whole = set(connection.scalars(select(outbox.c.id).where(named, outbox.c.deleted_at.is_(None))))
    return [
        item.id in whole
        and _change(connection, item.id, due if item.id in freed else states, {**again, "due_at": item.now})
        for item in items
    ]


@dataclass(frozen=True, slots=True)
class RetryFailed:
    """All mails that failed since then, to recipients of `domain` ("": all), with `only_count` none of them."""

    since: datetime
    domain: str
    now: datetime
    only_count: bool = False


def retry_failed(connection: Connection, items: Sequence[RetryFailed]) -> list[tuple[int, int]]:
    """Retry such mails, and lift the suppressions that their failure led to. Return the counts of both."""
    return [_retry_failed(connection, item) for item in items]


def _retry_failed(connection: Connection, wanted: RetryFailed) -> tuple[int, int]:
    failed = text("outbox.state = 'failed'")  # as in the partial index
    query = select(outbox.c.id, outbox.c.recipient).where(failed, outbox.c.settled_at >= wanted.since)
    query = query.where(outbox.c.deleted_at.is_(None))
    if wanted.domain:
        query = query.where(outbox.c.domain == wanted.domain)
    found = connection.execute(query.order_by(outbox.c.id).with_for_update()).all()
    if wanted.only_count:
        return len(found), 0
    ids = [row.id for row in found]
    for first in range(0, len(ids), AT_ONCE):
        retry(connection, [Retry(id_, wanted.now) for id_ in ids[first : first + AT_ONCE]])
    return len(found), suppressions.lift_bounces(connection, {row.recipient for row in found}, wanted.since)


_RETRY_REFUSED = (
    update(outbox)
    .where(WAITING, outbox.c.lane == bindparam("b_lane"), outbox.c.due_at > bindparam("b_now", type_=Moment))
    .where(outbox.c.state == OutboxState.DEFERRED, outbox.c.code >= 500)
    .values(due_at=bindparam("b_now", type_=Moment))
)


def retry_refused(connection: Connection, items: Sequence[datetime]) -> list[None]:
    """Let deferred mails that the relay refused for good be due now. A refusal that is believed fails at once."""
    connection.execute(_RETRY_REFUSED, [{"b_lane": lane, "b_now": max(items)} for lane in LANES])
    return [None] * len(items)


def _change(connection: Connection, id_: int, states: Sequence[OutboxState], values: dict[str, Any]) -> bool:
    """Change a mail that is in one of these states. False: it is in no such state."""
    statement = update(outbox).where(outbox.c.id == id_, outbox.c.state.in_(states)).values(values)
    return connection.execute(statement).rowcount == 1


@dataclass(frozen=True, slots=True)
class Dropped:
    id: int
    reason: Reason
    now: datetime


def drop(connection: Connection, items: Sequence[Dropped]) -> list[bool]:
    """Suppress mails that wait or failed, on an operator's command. False: it is in no such state."""
    states = (OutboxState.DUE, OutboxState.DEFERRED, OutboxState.FAILED)
    dropped: list[bool] = []
    for item in items:
        values = {"reason": reason_text(item.reason), "settled_at": item.now}
        dropped.append(_change(connection, item.id, states, {"state": OutboxState.SUPPRESSED, **values}))
    return dropped
