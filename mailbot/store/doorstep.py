"""One mail into the inbox of a SQLite store by the driver alone, for a process that does nothing else.

Importing SQLAlchemy and the tables takes longer than all the rest of keeping a piped mail (0.2 s of 0.37).
What `inbox.keep` would write stands here as SQL; tests/store/test_doorstep.py compares the two.
"""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

from mailbot.domain.model import Envelope
from mailbot.errors import StoreFull, StoreUnavailable

PREFIX = "sqlite:///"
BUSY = "60"  # seconds that a writer waits for another process, as in `engine`; `?timeout=` stands above it
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def keep(url: str, fingerprint: str, envelope: Envelope, raw: bytes) -> int:
    """The inbox id after the commit, that of the first copy for a mail that was kept before (promise P2).

    Raises StoreFull or StoreUnavailable, also when there is no store: nothing was written then.
    """
    path, query = place(url)
    if not path.is_file():  # SQLite would make an empty one
        raise StoreUnavailable(f"there is no store at {path}")
    row = (
        fingerprint,
        (envelope.received_at - EPOCH) // timedelta(microseconds=1),
        envelope.sender,
        json.dumps(list(envelope.recipients)),
        envelope.peer,
        len(raw),
    )
    patience = float(query.get("timeout", BUSY))
    try:
        with closing(sqlite3.connect(path, timeout=patience, isolation_level=None)) as store:
            store.execute("PRAGMA synchronous = FULL")  # NORMAL lost acknowledged commits at power cuts
            return _kept(store, row, raw)
    except sqlite3.Error as error:
        raise translated(error) from error


def translated(error: sqlite3.Error) -> StoreUnavailable:
    full = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL
    return StoreFull(str(error)) if full else StoreUnavailable(str(error))


def place(url: str) -> tuple[Path, Mapping[str, str]]:
    """The file of a SQLite URL, and its options."""
    path, _, query = url.removeprefix(PREFIX).partition("?")
    return Path(path), dict(parse_qsl(query))


def _kept(store: sqlite3.Connection, row: tuple[object, ...], raw: bytes) -> int:
    store.execute("BEGIN IMMEDIATE")  # closing the connection takes back what was not committed
    fresh = store.execute(
        "INSERT INTO inbox (fingerprint, received_at, sender, recipients, peer, size)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (fingerprint) DO NOTHING RETURNING id",
        row,
    ).fetchone()
    if fresh:
        store.execute("INSERT INTO raw_mails (inbox_id, content) VALUES (?, ?)", (fresh[0], raw))
    (found,) = fresh or store.execute("SELECT id FROM inbox WHERE fingerprint = ?", row[:1]).fetchone()
    store.execute("COMMIT")
    return int(found)
