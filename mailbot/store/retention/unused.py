"""Contents that no row needs any more: files of mails that came in, and encoded files of mails that we sent.

Theory of operation. A file is kept once for many mails, so it goes with the last of them. On PostgreSQL a mail may
come in that has the same file: its transaction finds the content there and keeps none. So each deletion first
takes a lock of the table that waits for such transactions, and then looks again. It holds it for milliseconds.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select, text
from sqlalchemy.exc import OperationalError

from mailbot.store.database.prepared import savepoint
from mailbot.store.retention.rules import Found, Key, Page, Rules, Slice, in_window, window_end
from mailbot.store.schema import attachments, contents, frozen_files

LOCK_TIMEOUT = "300ms"  # mail that comes in meanwhile waits for so long at most


def find_contents(connection: Connection, rules: Rules, after: Key | None) -> Page:
    """Find contents of files that no mail has any more."""
    last = window_end(connection, contents.c.digest, after)
    if last is None:
        return Page((), None)
    columns = (contents.c.digest, func.length(contents.c.content).label("size"))
    here = in_window(contents.c.digest, after, last)
    rows = connection.execute(select(*columns).where(here, ~_is_attached()))
    return Page([Found(row.digest, "", rules.now, row.size) for row in rows], last)


def _is_attached() -> Any:
    of_mail = (attachments.c.digest == contents.c.digest, attachments.c.deleted_at.is_(None))
    return select(attachments.c.digest).where(*of_mail).exists()


def delete_contents(connection: Connection, items: Sequence[Slice]) -> list[list[Key]]:
    return [_delete_contents(connection, item.keys) for item in items]


def _delete_contents(connection: Connection, digests: tuple[str, ...]) -> list[Key]:
    if not _locks(connection, contents):
        return []
    unused = contents.c.digest.in_(digests) & ~_is_attached()
    return list(connection.scalars(delete(contents).where(unused).returning(contents.c.digest)))


def find_frozen_files(connection: Connection, rules: Rules, after: Key | None) -> Page:
    """Find encoded files that no mail of ours has any more."""
    last = window_end(connection, frozen_files.c.digest, after)
    if last is None:
        return Page((), None)
    columns = (frozen_files.c.digest, func.length(frozen_files.c.content).label("size"))
    sizes = {
        row.digest: row.size
        for row in connection.execute(select(*columns).where(in_window(frozen_files.c.digest, after, last)))
    }
    unused = sizes.keys() - _in_mails(connection, sizes.keys())
    return Page([Found(digest, "", rules.now, sizes[digest]) for digest in sorted(unused)], last)


def delete_frozen_files(connection: Connection, items: Sequence[Slice]) -> list[list[Key]]:
    return [_delete_frozen_files(connection, item.keys) for item in items]


def _delete_frozen_files(connection: Connection, digests: tuple[str, ...]) -> list[Key]:
    if not _locks(connection, frozen_files):
        return []
    unused = sorted(set(digests) - _in_mails(connection, digests))
    connection.execute(delete(frozen_files).where(frozen_files.c.digest.in_(unused)))
    return list(unused)


# SQLite reads the index alone: the row itself lies behind the whole mail.
_LISTED = text(
    "SELECT DISTINCT json_extract(file.value, '$[1]') FROM frozen_mails, json_each(frozen_mails.files) AS file"
    " WHERE frozen_mails.files <> '[]'"
)
_LISTED_POSTGRES = text(
    "SELECT digest FROM unnest(CAST(:digests AS text[])) AS digest WHERE EXISTS ("
    "SELECT 1 FROM frozen_mails WHERE files <> '[]' AND files @> jsonb_build_array(jsonb_build_array(digest)))"
)


def _in_mails(connection: Connection, digests: Collection[str]) -> set[str]:
    """Return which of these encoded files some mail of ours has."""
    if connection.dialect.name == "postgresql":
        return set(connection.scalars(_LISTED_POSTGRES, {"digests": list(digests)}))
    return set(connection.scalars(_LISTED)) & set(digests)


def _locks(connection: Connection, table: Table) -> bool:
    """Wait for the transactions that add to this table, and let none begin. False: they take too long."""
    if connection.dialect.name != "postgresql":
        return True
    try:
        with savepoint(connection):
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
            connection.execute(text(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE"))
    except OperationalError:
        return False
    return True
