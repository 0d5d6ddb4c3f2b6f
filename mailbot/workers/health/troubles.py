"""What can be wrong with a node, as values: the limits, the sentences, and what to do."""

import errno
import os
import resource
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from mailbot.domain.model import InboxState
from mailbot.store.queries import LATE, StoreStatus

SLOW_INBOX = timedelta(seconds=60)  # a mail that waits longer for its ticket is a problem
SLOW_OUTBOX = timedelta(minutes=10)
MANY_DESCRIPTORS = 0.8  # of the limit: the rest goes within seconds, and then nothing can be asked any more
FULL_DOOR = 0.9  # of the sessions: the last places are kept for known senders
FEW_INODES = 1000
LONG_WRITE = 10.0  # seconds
CERTIFICATE_NOTICE = timedelta(days=14)
SOUND_SQLITE = (3, 51, 3)  # the first without the WAL-reset bug, https://sqlite.org/wal.html


class Code(StrEnum):
    """The kinds of trouble, also as labels of `mailbot_trouble`."""

    LOOP_STUCK = "loop_stuck"
    STORE_SILENT = "store_without_commits"
    DISK_FULL = "disk_full"
    DOOR_FULL = "door_full"
    DESCRIPTORS = "descriptors_short"
    ROWS_STUCK = "rows_stuck"
    INBOX_WAITS = "inbox_waits"
    RELAY = "relay"
    IMAP = "imap"
    CHANNEL = "channel"
    WEBHOOK = "webhook"
    OUTBOX_WAITS = "outbox_waits"
    MAIL_PARKED = "mail_parked"
    DEADLINES_PARKED = "deadlines_parked"
    DEADLINES_OVERDUE = "deadlines_overdue"
    CERTIFICATE = "certificate_ends"
    OLD_SQLITE = "old_sqlite"
    PROCESS_DOWN = "one_process_down"
    NO_FRONT = "no_front"


# With these, what else runs goes on: they are remarks.
REMARKS = frozenset(
    {
        Code.OUTBOX_WAITS,
        Code.MAIL_PARKED,
        Code.DEADLINES_PARKED,
        Code.DEADLINES_OVERDUE,
        Code.CERTIFICATE,
        Code.OLD_SQLITE,
        Code.WEBHOOK,
    }
)
# With these, this node can't accept a mail now; another one may.
CLOSES_DOOR = frozenset(
    {Code.LOOP_STUCK, Code.STORE_SILENT, Code.DISK_FULL, Code.DOOR_FULL, Code.DESCRIPTORS, Code.NO_FRONT}
)
# What only the node itself can see: `status` asks for the rest by itself.
PUBLISHED = frozenset(
    {
        *(Code.LOOP_STUCK, Code.DOOR_FULL, Code.DESCRIPTORS, Code.RELAY, Code.CHANNEL),
        *(Code.PROCESS_DOWN, Code.NO_FRONT),
    }
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong. `text`: one line that says what, and what to do."""

    code: Code
    text: str

    @property
    def is_remark(self) -> bool:
        return self.code in REMARKS


# --- the disk -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Space:
    """What is left where a SQLite store is; None is not known, or without end."""

    free: int | None = None
    inodes: int | None = None


def read_space(directory: Path | None) -> Space:
    """Read what is left in a directory; None is the store of a server, which looks after its own disk."""
    if directory is None:
        return Space()
    try:
        found = os.statvfs(directory)
    except OSError:
        return Space()
    return Space(found.f_bavail * found.f_frsize, found.f_favail if found.f_files else None)


def full_disk(space: Space, needed: int) -> Trouble | None:
    """Report a full disk at the point where the listener answers 452."""
    if space.free is not None and space.free < needed:
        left = f"only {_megabytes(space.free)} are free where the store is"
        closed = f"no mail is accepted below {_megabytes(needed)}"
        return Trouble(Code.DISK_FULL, f"{left}, {closed}: make room, or see `limits.free_space`")
    if space.inodes is not None and space.inodes < FEW_INODES:
        left = f"only {space.inodes} inodes are free where the store is"
        return Trouble(Code.DISK_FULL, f"{left}: remove small files there (`df -i`)")
    return None


def _megabytes(octets: int) -> str:
    return f"{octets / 1e6:,.0f} MB"


# --- this process -------------------------------------------------------------------------------------------


def count_descriptors() -> tuple[int, int]:
    """Count the open descriptors of this process, and return their limit. (0, limit) where /proc is missing."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        return len(os.listdir("/proc/self/fd")), limit
    except OSError as error:
        return (limit if error.errno in (errno.EMFILE, errno.ENFILE) else 0), limit


def few_descriptors(used: int, limit: int) -> Trouble | None:
    if used <= MANY_DESCRIPTORS * limit:
        return None
    cure = "raise LimitNOFILE in the unit, or lower `limits.sessions`"
    return Trouble(Code.DESCRIPTORS, f"{used} of {limit} descriptors are in use: {cure}")


def full_door(sessions: int, limit: int) -> Trouble | None:
    if sessions < FULL_DOOR * limit:
        return None
    cure = "`ss -tn` names the clients; raise `limits.sessions` if they are yours"
    return Trouble(Code.DOOR_FULL, f"{sessions} of {limit} SMTP sessions are open: {cure}")


def old_sqlite(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> Trouble | None:
    if version >= SOUND_SQLITE:
        return None
    used, sound = (".".join(map(str, each)) for each in (version, SOUND_SQLITE))
    bug = f"SQLite {used} has a bug that can in rare cases damage a store (WAL reset)"
    return Trouble(Code.OLD_SQLITE, f"{bug}: use a Python with SQLite {sound} or newer, or PostgreSQL")


# --- the certificate ----------------------------------------------------------------------------------------


def ending_certificate(end: datetime | None, now: datetime) -> Trouble | None:
    if end is None or end - now > CERTIFICATE_NOTICE:
        return None
    verb = "ended" if end <= now else "ends"
    return Trouble(
        Code.CERTIFICATE, f"the certificate of the listener {verb} on {end:%Y-%m-%d %H:%M} UTC: renew it"
    )


# --- the store ----------------------------------------------------------------------------------------------


def of_store(status: StoreStatus) -> Iterator[Trouble]:
    """Name what the figures of the store show."""
    for place, count in status.stuck.items():
        if count:
            cure = f"`mailbot {place} list --stuck`, then `mailbot {place} retry ID`"
            yield Trouble(
                Code.ROWS_STUCK, f"{count} mails in the {place} are claimed and in nobody's hand: {cure}"
            )
    for place, slow, code in (
        ("inbox", SLOW_INBOX, Code.INBOX_WAITS),
        ("outbox", SLOW_OUTBOX, Code.OUTBOX_WAITS),
    ):
        if (oldest := status.oldest.get(place, timedelta())) > slow:
            waited = f"the oldest mail in the {place} has waited for {_span(oldest)}"
            yield Trouble(code, f"{waited}: `mailbot {place} list`")
    if (oldest := status.oldest.get("channels", timedelta())) > SLOW_INBOX:
        waited = f"what came by a channel has waited for {_span(oldest)} to be read"
        yield Trouble(Code.INBOX_WAITS, f"{waited}: `mailbot channels list`")
    if parked := status.channels.get(InboxState.PARKED, 0):
        yield Trouble(Code.MAIL_PARKED, f"{parked} events of channels are parked: `mailbot channels list`")
    if parked := status.inbox.get(InboxState.PARKED, 0):
        yield Trouble(Code.MAIL_PARKED, f"{parked} mails are parked: `mailbot inbox list --state parked`")
    if late := status.late_deadlines:
        yield Trouble(
            Code.DEADLINES_OVERDUE,
            f"{late} deadlines are overdue by more than {_span(LATE)}: `mailbot ticket list --overdue`",
        )
    if parked := status.parked_deadlines:
        yield Trouble(
            Code.DEADLINES_PARKED, f"{parked} deadlines are parked: `mailbot ticket list --overdue`"
        )


def _span(length: timedelta) -> str:
    minutes = length // timedelta(minutes=1)
    if minutes < 2:
        return f"{length.total_seconds():.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def silent_store(seconds: float, error: str) -> Trouble | None:
    """Report a store whose writes wait (`seconds`) or fail (`error`)."""
    cure = "`mailbot docs operations/monitoring` tells how to find who holds it"
    if seconds > LONG_WRITE:
        return Trouble(Code.STORE_SILENT, f"a write to the store has waited for {seconds:.0f} s: {cure}")
    if error:
        return Trouble(Code.STORE_SILENT, f"the store takes no writes ({error}): {cure}")
    return None
