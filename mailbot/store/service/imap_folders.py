"""How far an IMAP folder has been read: all its mails up to `uid` are stored, or recorded as skipped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from mailbot.store.engine import or_skip
from mailbot.store.schema import imap_folders as table

MAX_SKIPPED = 1000  # mails remembered as skipped, the newest


@dataclass(frozen=True, slots=True)
class Folder:
    """Which folder of which account."""

    account: str  # user@host
    name: str


@dataclass(frozen=True, slots=True)
class OpenedFolder:
    """What the server reported about the folder. `next_uid`: the UID of the next new mail."""

    folder: Folder
    uidvalidity: int
    next_uid: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Position:
    """How far a folder was read.

    `started_at` and `first_uid`: when mailbot began with the folder; mail read before that is not for us.
    `skipped` are UIDs that could not be stored. `restarted`: the server renumbered its mails (RFC 3501
    2.3.1.1), so all since `started_at` must be listed again.
    """

    uidvalidity: int
    uid: int
    first_uid: int
    started_at: datetime
    skipped: tuple[int, ...] = ()
    restarted: bool = False


def start(connection: Connection, items: Sequence[OpenedFolder]) -> list[Position]:
    """Return where to continue; a new folder begins now."""
    return [_opened(connection, item) for item in items]


def _opened(connection: Connection, item: OpenedFolder) -> Position:
    row = _row(connection, item.folder, item.at)
    if row.uidvalidity == item.uidvalidity:
        return Position(row.uidvalidity, row.last_uid, row.first_uid, row.started_at, tuple(row.skipped_uids))
    fresh = {"uidvalidity": item.uidvalidity, "last_uid": 0, "first_uid": item.next_uid, "skipped_uids": []}
    connection.execute(update(table).where(*_is(item.folder)).values(fresh))
    return Position(item.uidvalidity, 0, item.next_uid, row.started_at, (), restarted=row.uidvalidity != 0)


@dataclass(frozen=True, slots=True)
class Progress:
    """Mails up to `uid` are done. Of these, `skipped` could not be stored; `recovered` were skipped
    before.
    """

    folder: Folder
    uidvalidity: int
    uid: int
    skipped: tuple[int, ...] = ()
    recovered: tuple[int, ...] = ()


def advance(connection: Connection, items: Sequence[Progress]) -> list[None]:
    """Record progress. It never goes back, whichever node comes last, and ignores a renumbered folder."""
    for item in items:
        row = connection.execute(select(table).where(*_is(item.folder)).with_for_update()).one_or_none()
        if row is None or row.uidvalidity != item.uidvalidity:
            continue
        skipped = sorted((set(row.skipped_uids) | set(item.skipped)) - set(item.recovered))[-MAX_SKIPPED:]
        values = {"last_uid": max(row.last_uid, item.uid), "skipped_uids": skipped}
        connection.execute(update(table).where(*_is(item.folder)).values(values))
    return [None] * len(items)


@dataclass(frozen=True, slots=True)
class FolderError:
    """Why the folder can't be read since then; "" when it can."""

    folder: Folder
    error: str
    at: datetime


def record_error(connection: Connection, items: Sequence[FolderError]) -> list[None]:
    for item in items:
        _row(connection, item.folder, item.at)
        connection.execute(update(table).where(*_is(item.folder)).values(error=item.error[:500] or None))
    return [None] * len(items)


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """Why the folder can't be read now ("" when it can), and how many mails were skipped."""

    error: str
    skipped: int


def folder_statuses(connection: Connection) -> dict[Folder, FolderStatus]:
    """List the status of every folder that was ever read."""
    return {
        Folder(row.account, row.folder): FolderStatus(row.error or "", len(row.skipped_uids))
        for row in connection.execute(select(table))
    }


def _row(connection: Connection, folder: Folder, at: datetime) -> Any:
    """Load the folder's row, creating it when there is none (another node may be creating it too)."""
    fresh = {"account": folder.account, "folder": folder.name, "started_at": at}
    connection.execute(or_skip(connection, table), [fresh])
    return connection.execute(select(table).where(*_is(folder)).with_for_update()).one()


def _is(folder: Folder) -> tuple[Any, Any]:
    return table.c.account == folder.account, table.c.folder == folder.name
