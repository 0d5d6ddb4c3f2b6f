"""Mail about no ticket, put in line in whatever transaction asks for it; once, where several nodes might."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain.notices import Bulletin
from mailbot.store import installation, outbox
from mailbot.workers.outbox_rows import owed
from mailbot.workers.runtime import Snapshot


def owe(connection: Connection, bulletins: Sequence[Bulletin], snapshot: Snapshot, now: datetime) -> None:
    """Puts them in line. Who calls wakes delivery after the commit."""
    outbox.owe(connection, [owed(each, snapshot, now, now) for each in bulletins])


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is told once for the whole installation, by the first node that asks: `key` says what."""

    key: str
    bulletins: Sequence[Bulletin]
    snapshot: Snapshot
    now: datetime


def enqueue_once(connection: Connection, items: Sequence[Announcement]) -> list[bool]:
    """For each: True when we were first, so that its mail is in line; False when it was told before.

    An operation of the store: `await store.write(bulletins.enqueue_once, Announcement(...))`.
    """
    first = [installation.first(connection, item.key, item.now) for item in items]
    for item, ours in zip(items, first, strict=True):
        if ours:
            owe(connection, item.bulletins, item.snapshot, item.now)
    return first
