"""Reads mbox archives: mboxo, mboxrd, mboxcl and mboxcl2, as mail programs and Gmail's Takeout write them.

A mail begins at a line "From " with a time, at the start or after an empty line. Where Content-Length leads to the
next such line, it is believed: then a "From " inside of the mail is text.
"""

import mmap
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from mailbot.operations.importing.mails import LEFT_OUT, Place
from mailbot.operations.importing.model import ImportedTicket, ReadContext, Unreadable
from mailbot.operations.importing.threads import read_threads

_START = re.compile(rb"(?:\A|(\r?\n)\r?\n)(From [^\r\n]*\d{1,2}:\d\d[^\r\n]*\r?\n)")
_NEXT = re.compile(rb"(?:\r?\n){0,3}(?:From |\Z)")
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_CONTENT_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,10})", re.IGNORECASE | re.MULTILINE)
_LONGEST_HEADER = 64 * 1024
_BEGINNING = 5


def read(path: Path, context: ReadContext) -> Iterator[ImportedTicket]:
    """Yield a ticket for each thread of the mails in the file, or in the mbox files of the folder."""
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    chosen = [each for each in files if _is_mbox(each, context, by_name=path.is_file())]
    if not chosen:
        raise Unreadable(f"{path} holds no mbox archive: a file whose first line begins with 'From '")
    return read_threads((place for file in chosen for place in _places(file)), context)


def _is_mbox(path: Path, context: ReadContext, *, by_name: bool) -> bool:
    """Check the first bytes. `by_name`: it was named itself, whatever its name says."""
    try:
        with path.open("rb") as file:
            is_mbox = file.read(_BEGINNING) == b"From "
    except OSError as error:
        context.problems.add(path.name, f"it can't be read: {error.strerror}")
        return False
    if is_mbox and not by_name and path.stem.lower() in LEFT_OUT:
        context.problems.add(path.name, "a folder of drafts, deleted mail or spam")
        return False
    return is_mbox


def _places(path: Path) -> Iterator[Place]:
    """Yield where each mail of a file is."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        filed_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        found = _START.search(content)
        while found:
            start = found.end()
            end, quoted = _stated_end(content, start), False
            if end is None:
                following = _START.search(content, max(start - 2, 0))
                end, quoted = following.end(1) if following else _end(content), True
            following = _START.search(content, max(end - 2, start))
            yield Place(path, start, max(end - start, 0), quoted, _time(found[2]) or filed_at)
            found = following


def _end(content: mmap.mmap) -> int:
    """Return where the last mail ends: before the empty line that ends the file."""
    size = len(content)
    for ending in (b"\r\n", b"\n"):
        if content[max(size - 2 * len(ending), 0) :] == 2 * ending:
            return size - len(ending)
    return size


def _stated_end(content: mmap.mmap, start: int) -> int | None:
    """Return where the mail ends by its Content-Length, None without one that leads to the next mail."""
    head = content[start : start + _LONGEST_HEADER]
    blank = _END_OF_HEADER.search(head)
    stated = _CONTENT_LENGTH.search(head, 0, blank.start()) if blank else None
    if not blank or not stated:
        return None
    end = start + blank.end() + int(stated[1])
    return end if end <= len(content) and _NEXT.match(content, end) else None


def _time(line: bytes) -> datetime | None:
    """Read the time of a "From " line: From budi@example Mon Nov 23 10:00:00 2026."""
    words = line.decode("ascii", "replace").split()
    for first in range(2, len(words)):
        with suppress(ValueError, TypeError, IndexError, OverflowError):
            at = parsedate_to_datetime(" ".join(words[first:]))
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    return None
