"""What admins hear of a reload that was refused: once, however many nodes refuse the same files."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from mailbot.domain.notices import Bulletin
from mailbot.errors import Problem
from mailbot.workers.admin_mail import Announcement
from mailbot.workers.runtime import Snapshot

MOST = 200  # problems that one mail lists
TOLD = "refused "  # how its occasions begin: when files are taken all of them are forgotten


def occasion(problems: Sequence[Problem], host: str, snapshot: Snapshot, now: datetime) -> Announcement:
    """A mail to each of `admins`; the policy in force says who they are, and which mailbox writes."""
    policy = snapshot.policy
    mailbox = next(iter(policy.mailboxes))
    count = f"{len(problems)} problem{'s' * (len(problems) != 1)}"
    files = sorted({Path(each.file).name for each in problems})
    subject = f"Reload refused: {count} in {', '.join(files)}"
    text = _text(problems, count, host, policy.version)
    bulletins = [Bulletin(mailbox, admin, "en", subject, text) for admin in policy.admins]
    return Announcement(f"{TOLD}{policy.version} {_digest(problems)}", bulletins, snapshot, now)


def _text(problems: Sequence[Problem], count: str, host: str, version: str) -> str:
    listed = "\n\n".join(map(str, problems[:MOST]))
    more = f"\n\n... and {len(problems) - MOST} more" if len(problems) > MOST else ""
    return (
        f"The configuration on {host} was not taken over, {count} stood against it.\n"
        f"Policy {version} stays in force and nothing has changed; mail is handled as before.\n\n"
        f"{listed}{more}\n\n"
        "`mailbot check` shows this again. Once it is mended, `mailbot reload` takes the files.\n"
        "A start of the daemon is refused for faults in the files and for tests that fail.\n"
    )


def _digest(problems: Sequence[Problem]) -> str:
    """The same for the same faults, wherever a node keeps its files."""
    said = [(Path(each.file).name, each.line, each.column, each.message) for each in problems]
    return hashlib.sha256(repr(sorted(said)).encode("utf-8", "replace")).hexdigest()
