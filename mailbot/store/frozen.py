"""Mails as they leave, byte for byte. A file that goes to five people is kept once.

Theory of operation. The composer says where the encoded files lie in a mail. They are cut out when it is kept,
and spliced in again whenever it is read: the same bytes at each try, under the same signature.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from mailbot.store.database.prepared import adding, adding_new
from mailbot.store.schema import frozen_files, frozen_mails

Parts = Sequence[tuple[int, bytes]]  # offset in the whole mail, the bytes there; in their order

_ADD = adding(frozen_mails, ("nonce", "content", "files"))
_ADD_FILES = adding_new(frozen_files, ("digest", "content"))
# A statement of its own: joined to the outbox, PostgreSQL may hash all the mail that was ever sent.
_CONTENT = select(frozen_mails).where(frozen_mails.c.nonce.in_(bindparam("nonces", expanding=True)))


def keep(connection: Connection, mails: Sequence[tuple[str, bytes, Parts]]) -> None:
    """Keep mails: nonce, content, and the parts of it that other mails may share."""
    digests: dict[int, str] = {}  # by identity: the mails of one decision share the very same bytes
    files: dict[str, bytes] = {}
    rows = []
    for nonce, content, parts in mails:
        for _, part in parts:
            if id(part) not in digests:
                digests[id(part)] = digest = hashlib.sha256(part).hexdigest()
                files[digest] = part
        rest, places = _cut(content, parts)
        listed = [[place, digests[id(part)]] for place, (_, part) in zip(places, parts, strict=True)]
        rows.append({"nonce": nonce, "content": rest, "files": listed})
    if files:
        # In one order everywhere, so that two nodes never wait for each other.
        kept = [{"digest": digest, "content": files[digest]} for digest in sorted(files)]
        _ADD_FILES.run(connection, kept)
    if rows:
        _ADD.run(connection, rows)


def load(connection: Connection, nonces: Collection[str]) -> dict[str, bytes]:
    """Load whole mails by nonce. One whose files are missing is left out: it must not leave without them."""
    return load_first(connection, list(nonces), None)[0]


def load_first(
    connection: Connection, nonces: Sequence[str], most: int | None
) -> tuple[dict[str, bytes], int]:
    """Load the first of these mails, as many as have `most` bytes together, but at least one. Return how many, too."""
    rows = {row.nonce: row for row in connection.execute(_CONTENT, {"nonces": list(nonces)})}
    sizes = _file_sizes(connection, rows.values()) if most is not None else {}
    count, total = 0, 0
    for nonce in nonces:
        if row := rows.get(nonce):
            total += len(row.content) + sum(sizes.get(digest, 0) for _, digest in row.files)
        if count and most is not None and total > most:
            break
        count += 1
    return _whole(connection, [rows[nonce] for nonce in nonces[:count] if nonce in rows]), count


def _digests(rows: Iterable[Any]) -> list[str]:
    return sorted({digest for row in rows for _, digest in row.files})


def _file_sizes(connection: Connection, rows: Iterable[Any]) -> dict[str, int]:
    if not (wanted := _digests(rows)):
        return {}
    size = func.length(frozen_files.c.content).label("size")
    query = select(frozen_files.c.digest, size).where(frozen_files.c.digest.in_(wanted))
    return {row.digest: row.size for row in connection.execute(query)}


def _whole(connection: Connection, rows: Sequence[Any]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    if wanted := _digests(rows):
        query = select(frozen_files).where(frozen_files.c.digest.in_(wanted))
        files = {row.digest: row.content for row in connection.execute(query)}
    return {
        row.nonce: _splice(row.content, row.files, files) if row.files else row.content
        for row in rows
        if all(digest in files for _, digest in row.files)
    }


def _cut(content: bytes, parts: Parts) -> tuple[bytes, list[int]]:
    """Return the mail without its parts, and the place of each in that."""
    pieces, places, start, removed = [], [], 0, 0
    for offset, part in parts:
        pieces.append(content[start:offset])
        places.append(offset - removed)
        start, removed = offset + len(part), removed + len(part)
    return b"".join((*pieces, content[start:])), places


def _splice(content: bytes, listed: Sequence[Sequence[Any]], files: Mapping[str, bytes]) -> bytes:
    pieces: list[bytes] = []
    start = 0
    for place, digest in listed:
        pieces += (content[start:place], files[digest])
        start = place
    return b"".join((*pieces, content[start:]))
