"""`mailbot rules diff`: what a change of policy would do to real mail, ticket by ticket."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from mailbot.analysis import replay
from mailbot.analysis.replay import Replayed
from mailbot.cli.rules import diff_text
from mailbot.cli.service import mail_folder
from mailbot.cli.shared import sides
from mailbot.cli.shared import since as typed
from mailbot.cli.shared.open_store import fail, now, open_store
from mailbot.cli.shared.options import config_option, json_option
from mailbot.cli.shared.output import clean
from mailbot.cli.shared.progress import progress
from mailbot.cli.shared.sides import LIVE, RECORDED, NamedPolicy
from mailbot.domain.model import CustomerHistory
from mailbot.domain.policy_diff import Case
from mailbot.mail.parsing.parse import parse
from mailbot.store import opening_mails
from mailbot.store.store import Store


@dataclass(frozen=True, slots=True)
class Most:
    """`--max-changed`: a number of mails, or a share of all of them."""

    text: str
    number: float
    percent: bool

    def exceeded(self, found: Replayed) -> bool:
        changed = len(found.changes)
        return changed > (found.total * self.number / 100 if self.percent else self.number)


def _most(_ctx: click.Context, _param: click.Parameter, value: str) -> Most:
    text = value.strip().removesuffix("%").strip()
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e9:  # "nan" as well
        raise click.BadParameter(f"{value!r} is no number of mails: 20, or a share of them: 5%")
    return Most(value.strip(), number, value.strip().endswith("%"))


@click.command("diff")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option(
    "--mail",
    "folder",
    metavar="FOLDER",
    type=click.Path(exists=True, path_type=Path),
    help="Mail in files: .eml in this folder and below, Maildir, mbox.",
)
@click.option(
    "--since",
    metavar="WHEN",
    help="Stored mail that opened a ticket since then: 30d, 12h, 2026-11-01. Without --mail: 30d.",
)
@click.option(
    "--max-changed",
    "most",
    metavar="N|N%",
    default="0",
    show_default=True,
    callback=_most,
    help="So many mails may go another way; above it: exit 1.",
)
@diff_text.limit_option
@config_option
@json_option
def diff(
    old: str, new: str, folder: Path | None, since: str | None, most: Most, limit: int, in_json: bool
) -> None:
    """Two policies over real mail: what NEW would do otherwise than OLD, and which condition makes it so.

    OLD and NEW are directories, `live` (the policy in force), or the version of one that was; OLD may be
    `recorded`: what was decided when each mail came. Every mail that opens a ticket counts, a mail in a file
    as if it were its sender's first. Exit 1 when more mails go another way than --max-changed allows.
    """
    if folder and since:
        raise click.UsageError("--mail or --since: one of them")
    if RECORDED in (old if folder else "", new):
        raise click.UsageError(f"`{RECORDED}` is told of stored mail alone, and as OLD")
    if folder and LIVE not in (old, new) and Path(old).is_dir() and Path(new).is_dir():
        before, after = sides.load_directory(old), sides.load_directory(new)
        found, missing = _over_files(folder, before, after)
    else:
        with open_store() as at:
            before, after = sides.find_policy(at.store, old), sides.find_policy(at.store, new)
            if folder:
                found, missing = _over_files(folder, before, after)
            else:
                begin = typed.parse_time(since or "30d", now(), at.zone())
                found, missing = _over_store(at.store, begin, before, after)
    told = diff_text.Told(
        old, before.version, new, after.version, found, missing, most.text, most.exceeded(found)
    )
    diff_text.as_shape(told) if in_json else diff_text.show(told, after.zone, limit)
    if told.exceeded:
        raise click.exceptions.Exit(1)


# --- the mail ---------------------------------------------------------------------------------------------


def _over_store(store: Store, since: datetime, old: NamedPolicy, new: NamedPolicy) -> tuple[Replayed, int]:
    """What came of it, and of how many tickets no mail could be read again (split off, or erased)."""
    assert new.policy
    numbers = store.read_now(opening_mails.numbers_since, since)
    both = [side.policy for side in (old, new) if side.policy]
    found = Replayed()
    for case in progress(replay.stored(store, numbers, both), len(numbers), "Routing again"):
        replay.replay(case, old.policy, new.policy, found)
    return found, len(numbers) - found.total


def _over_files(folder: Path, old: NamedPolicy, new: NamedPolicy) -> tuple[Replayed, int]:
    assert old.policy
    assert new.policy
    files = mail_folder.files(folder)
    if not files:
        fail(f"there is no mail in {clean(folder)}: files that end in .eml or .mbox, or a Maildir")
    found, unread = Replayed(), 0
    for file in progress(files, len(files), "Routing"):
        try:
            for case in _cases(file, folder, new.trusted):
                replay.replay(case, old.policy, new.policy, found)
        except OSError:  # not ours to read, or gone since it was listed
            unread += 1
    return found, unread


def _cases(file: Path, folder: Path, trusted: Sequence[str]) -> Iterator[Case]:
    for name, raw in mail_folder.mails(file, folder):
        envelope = mail_folder.envelope(raw, now())
        mail = replay.light(parse(raw, trusted))
        known = CustomerHistory(authentication=mail.authentication)
        yield Case(name, envelope.received_at, mail, envelope, known)
