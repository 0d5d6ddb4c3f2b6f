"""Reads a Maildir: each file in `cur` and `new` is a mail, in the folder itself and in those inside of it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from mailbot.operations.importing.mails import LARGEST, LEFT_OUT, Place
from mailbot.operations.importing.model import ImportedTicket, ReadContext, Unreadable
from mailbot.operations.importing.threads import read_threads

_SECONDS = re.compile(r"(\d{9,11})\.")
_FLAGS = re.compile(r"[:;!]2,([A-Za-z]*)$")  # ";" and "!" where a file system knows no ":"


def read(path: Path, context: ReadContext) -> Iterator[ImportedTicket]:
    """Yield a ticket for each thread of the mails in the Maildir."""
    folders = sorted(each for each in path.rglob("*") if each.name in ("cur", "new") and each.is_dir())
    if not folders:
        raise Unreadable(f"{path} is no Maildir: it has no folder cur or new")
    return read_threads(_places(folders, context), context)


def _places(folders: list[Path], context: ReadContext) -> Iterator[Place]:
    for folder in folders:
        name = folder.parent.name.rpartition(".")[2].lower()
        if name in LEFT_OUT:
            context.problems.add(str(folder), "a folder of drafts, deleted mail or spam")
            continue
        for file in sorted(folder.iterdir()):
            if place := _place(file, context):
                yield place


def _place(file: Path, context: ReadContext) -> Place | None:
    flags = _FLAGS.search(file.name)
    if flags and set(flags[1]) & {"D", "T"}:
        context.problems.add(file.name, "a draft, or a deleted mail")
        return None
    try:
        found = file.stat()
    except OSError as error:
        context.problems.add(file.name, f"it can't be read: {error.strerror}")
        return None
    if found.st_size > LARGEST or not file.is_file():
        context.problems.add(file.name, f"no file, or one of more than {LARGEST >> 20} MiB")
        return None
    named = _SECONDS.match(file.name)
    seconds = int(named[1]) if named else found.st_mtime
    return Place(file, 0, None, False, datetime.fromtimestamp(seconds, UTC))
