"""What is past its time: by mailbox, only where the ticket is over, and never under a legal hold.

Theory of operation. Candidates are read outside the write lock, a window of rows at a time. Each deletion checks
the same conditions again in its own transaction, because a ticket may be reopened or held meanwhile. Several
nodes may delete at once: each skips what another one has locked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, or_, select

from mailbot.domain.model import Status
from mailbot.domain.policy import Policy, Retention
from mailbot.store.retention.legal_holds import held_numbers
from mailbot.store.schema import EPOCH, Moment, tickets

WINDOW = 5_000  # rows looked at in one read

Key = int | str | tuple[datetime, str]  # of tickets, in a page: when it began, its number


class Kind(StrEnum):
    """What is deleted. The first four are the keys of `retention:`. Sent mail goes by `raw_mail` too."""

    CLOSED_TICKETS = "closed_tickets"
    RAW_MAIL = "raw_mail"
    ATTACHMENTS = "attachments"
    ATTEMPTS = "attempts"
    SENT_MAIL = "sent_mail"


@dataclass(frozen=True, slots=True)
class Line:
    """What went, or would go, of one mailbox ("" for none): how many, bytes, and the age of the oldest."""

    mailbox: str
    kind: Kind
    count: int
    bytes: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """What is older than its mailbox's moment goes. `elsewhere`: of what has no ticket, or no such mailbox."""

    by_mailbox: Mapping[str, datetime]
    elsewhere: datetime

    @property
    def newest(self) -> datetime:
        """Return the moment after which nothing goes, whatever its mailbox. EPOCH: nothing ever goes."""
        return max(self.elsewhere, *self.by_mailbox.values(), EPOCH)

    def column(self) -> ColumnElement[datetime]:
        """Select the moment for the row of `tickets`."""
        rest: ColumnElement[datetime] = literal(self.elsewhere, Moment)
        moments = {mailbox: literal(at, Moment) for mailbox, at in self.by_mailbox.items()}
        return case(moments, value=tickets.c.mailbox, else_=rest) if moments else rest


@dataclass(frozen=True, slots=True)
class Rules:
    """The cutoffs of one run, which began at `now`."""

    raw_mail: Cutoffs
    attachments: Cutoffs
    closed_tickets: Cutoffs
    attempts: Cutoffs
    now: datetime

    @property
    def deletes(self) -> bool:
        return any(getattr(self, each.name).newest > EPOCH for each in fields(Retention))


def rules_of(policy: Policy, now: datetime) -> Rules:
    """Build the cutoffs that a policy means now."""

    def cutoffs(name: str) -> Cutoffs:
        by_mailbox = {address: at(box.retention, name) for address, box in policy.mailboxes.items()}
        return Cutoffs(by_mailbox, at(policy.retention, name))

    def at(kept: Retention, name: str) -> datetime:
        span = getattr(kept, name)
        return now - span if span else EPOCH

    return Rules(**{each.name: cutoffs(each.name) for each in fields(Retention)}, now=now)


@dataclass(frozen=True, slots=True)
class Found:
    """A row, or a ticket, that is past its time. `size` in bytes, where bytes go."""

    key: Key
    mailbox: str
    at: datetime
    size: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """What was found in a window. `last`: where the next one begins; None: this was the last."""

    found: Sequence[Found]
    last: Key | None


@dataclass(frozen=True, slots=True)
class Slice:
    """What one transaction deletes."""

    rules: Rules
    keys: tuple[Any, ...]


# --- conditions -------------------------------------------------------------------------------------------

_target = tickets.alias("target")
_ENDED = [Status.CLOSED.value, Status.FILED.value]


def is_free(connection: Connection) -> ColumnElement[bool]:
    """Select whether what belongs to the (outer) joined ticket may go: it is over and not held, or none.

    A merged ticket is over when its target is. A chain of merges waits for the end of the last ticket.
    """
    target_over = select(_target.c.number).where(
        _target.c.number == tickets.c.merged_into, _target.c.status.in_(_ENDED)
    )
    over = or_(
        tickets.c.status.in_(_ENDED), and_(tickets.c.status == Status.MERGED.value, target_over.exists())
    )
    return or_(tickets.c.number.is_(None), and_(over, tickets.c.number.not_in(held_numbers(connection))))


def window_end(connection: Connection, column: Any, after: Key | None) -> Key | None:
    """Return the key of the last row of the next window; None when there is no further row."""
    rows = select(column.label("key")).order_by(column).limit(WINDOW)
    if after is not None:
        rows = rows.where(column > after)
    last: Key | None = connection.scalar(select(func.max(rows.subquery().c.key)))
    return last


def in_window(column: Any, after: Key | None, last: Key) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column <= last if after is None else and_(column > after, column <= last)
    return found
