"""Mail to admins and managers that is about no ticket, enqueued once for the whole installation."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from mailbot.domain.notices import Bulletin
from mailbot.errors import Problem
from mailbot.store import outbox
from mailbot.store.service import installation
from mailbot.workers import outbox_rows
from mailbot.workers.runtime import Snapshot

MOST_PROBLEMS = 200  # that one mail lists
REFUSED = "refused "  # the prefix of the keys of refused reloads: a reload that is taken forgets them all


@dataclass(frozen=True, slots=True)
class Announcement:
    """Mail that one node sends for all. `key` names its occasion: who asks second finds it sent."""

    key: str
    bulletins: Sequence[Bulletin]
    snapshot: Snapshot
    now: datetime


def enqueue_once(connection: Connection, items: Sequence[Announcement]) -> list[bool]:
    """Return for each whether it was the first of its key, and so was enqueued.

    A write operation of the store. The caller wakes delivery after the commit.
    """
    first = [installation.mark_first(connection, item.key, item.now) for item in items]
    for item, is_first in zip(items, first, strict=True):
        if is_first:
            now = item.now
            rows = [outbox_rows.build_row(bulletin, item.snapshot, now, now) for bulletin in item.bulletins]
            outbox.enqueue(connection, rows)
    return first


def reload_refused(problems: Sequence[Problem], host: str, snapshot: Snapshot, now: datetime) -> Announcement:
    """Build a mail to each of `admins`. The policy in force names them and the mailbox that writes."""
    policy = snapshot.policy
    mailbox = next(iter(policy.mailboxes))
    count = f"{len(problems)} problem{'s' * (len(problems) != 1)}"
    files = sorted({Path(problem.file).name for problem in problems})
    subject = f"Reload refused: {count} in {', '.join(files)}"
    text = _text(problems, count, host, policy.version)
    bulletins = [Bulletin(mailbox, admin, "en", subject, text) for admin in policy.admins]
    return Announcement(f"{REFUSED}{policy.version} {_digest(problems)}", bulletins, snapshot, now)


def _text(problems: Sequence[Problem], count: str, host: str, version: str) -> str:
    listed = "\n\n".join(map(str, problems[:MOST_PROBLEMS]))
    more = f"\n\n... and {len(problems) - MOST_PROBLEMS} more" if len(problems) > MOST_PROBLEMS else ""
    return (
        f"The configuration on {host} was not loaded: it has {count}.\n"
        f"Policy {version} stays in force and nothing has changed. Mail is handled as before.\n\n"
        f"{listed}{more}\n\n"
        "`mailbot check` shows this again. Once it is mended, `mailbot reload` loads the files.\n"
        "The daemon does not start with faults in the files or with tests that fail.\n"
    )


def _digest(problems: Sequence[Problem]) -> str:
    """Return the same for the same faults, wherever a node keeps its files."""
    facts = [(Path(each.file).name, each.line, each.column, each.message) for each in problems]
    return hashlib.sha256(repr(sorted(facts)).encode("utf-8", "replace")).hexdigest()
