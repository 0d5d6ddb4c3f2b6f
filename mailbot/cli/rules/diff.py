"""`mailbot rules diff`: what a change of policy would do to real mail, ticket by ticket."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from mailbot.analysis import opening_mails, replay
from mailbot.analysis.replay import Replayed
from mailbot.cli.rules import diff_text
from mailbot.cli.service import mail_folder
from mailbot.cli.shared.json_form import print_json
from mailbot.cli.shared.open_store import (
    LIVE,
    RECORDED,
    NamedPolicy,
    fail,
    find_policy,
    load_directory,
    now,
    open_store,
)
from mailbot.cli.shared.options import parse_time, standard_options
from mailbot.cli.shared.output import clean, echo, print_title
from mailbot.cli.shared.progress import progress
from mailbot.domain.model import NO_HISTORY
from mailbot.domain.policy_review.policy_diff import Case, Change
from mailbot.domain.routing.routing_facts import circumstances
from mailbot.mail.parsing.parse import parse
from mailbot.store.store import Store

MAX_DRIFTED = 5  # mails that are shown


@dataclass(frozen=True, slots=True)
class Allowed:
    """The value of `--max-changed`: a number of mails, or a share of all of them."""

    text: str
    number: float
    percent: bool

    def is_exceeded(self, found: Replayed) -> bool:
        return len(found.changes) > (found.total * self.number / 100 if self.percent else self.number)


def _parse_allowed(_ctx: click.Context, _param: click.Parameter, value: str) -> Allowed:
    text = value.strip().removesuffix("%").strip()
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e9:  # this excludes "nan" too
        raise click.BadParameter(f"{value!r} is no number of mails: 20, or a share of them: 5%")
    return Allowed(value.strip(), number, value.strip().endswith("%"))


@dataclass(frozen=True, slots=True)
class Result:
    """The comparison. `missing` counts split-off tickets, mail that is gone, files that can't be read."""

    old: NamedPolicy
    new: NamedPolicy
    found: Replayed
    missing: int
    allowed: Allowed

    @property
    def exceeded(self) -> bool:
        return self.allowed.is_exceeded(self.found)


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
    "allowed",
    metavar="N|N%",
    default="0",
    show_default=True,
    callback=_parse_allowed,
    help="Allow so many mails to change. Above it: exit 1.",
)
@diff_text.tickets_option
@standard_options
def diff(
    old: str, new: str, folder: Path | None, since: str | None, allowed: Allowed, limit: int, in_json: bool
) -> None:
    """Compare two policies over real mail: what NEW decides differently from OLD, and by which condition.

    OLD and NEW are directories, `live` (the policy in force), or a version that was in force. OLD may be
    `recorded`: what was decided when each mail came. Every mail that opens a ticket counts. A mail in a file
    counts as its sender's first. Exit 1 when more mails change than --max-changed allows.
    """
    if folder and since:
        raise click.UsageError("--mail or --since: one of them")
    if RECORDED in (old if folder else "", new):
        raise click.UsageError(f"`{RECORDED}` exists for stored mail only, and as OLD")
    if folder and LIVE not in (old, new) and Path(old).is_dir() and Path(new).is_dir():
        before, after = load_directory(old), load_directory(new)
        found, missing = _compare_files(folder, before, after)
    else:
        with open_store(decides=True) as opened:
            before, after = find_policy(opened.store, old), find_policy(opened.store, new)
            if folder:
                found, missing = _compare_files(folder, before, after)
            else:
                begin = parse_time(since or "30d", now(), opened.zone())
                found, missing = _compare_stored(opened.store, begin, before, after)
    result = Result(before, after, found, missing, allowed)
    if in_json:
        _print_json(result)
    else:
        _print(result, limit)
    if result.exceeded:
        raise click.exceptions.Exit(1)


# --- the mail -----------------------------------------------------------------------------------------------


def _compare_stored(
    store: Store, since: datetime, old: NamedPolicy, new: NamedPolicy
) -> tuple[Replayed, int]:
    """Compare over stored mail. Return the result, and how many tickets have no mail (split, or erased)."""
    assert new.policy
    numbers = store.read_now(opening_mails.numbers_since, since)
    both = [named.policy for named in (old, new) if named.policy]
    found = Replayed()
    for case in progress(replay.stored_cases(store, numbers, both), len(numbers), "Routing again"):
        replay.replay(case, old.policy, new.policy, found)
    return found, len(numbers) - found.total


def _compare_files(folder: Path, old: NamedPolicy, new: NamedPolicy) -> tuple[Replayed, int]:
    assert old.policy
    assert new.policy
    files = mail_folder.list_files(folder)
    if not files:
        fail(f"there is no mail in {clean(folder)}: files that end in .eml or .mbox, or a Maildir")
    found, unread = Replayed(), 0
    for file in progress(files, len(files), "Routing"):
        try:
            for case in _cases(file, folder, new.authserv_ids):
                replay.replay(case, old.policy, new.policy, found)
        except OSError:  # no permission, or deleted since it was listed
            unread += 1
    return found, unread


def _cases(file: Path, folder: Path, authserv_ids: Sequence[str]) -> Iterator[Case]:
    for name, raw in mail_folder.read_mails(file, folder):
        envelope = mail_folder.build_envelope(raw, now())
        mail = replay.without_content(parse(raw, authserv_ids))
        history = circumstances(mail, NO_HISTORY)
        yield Case(name, envelope.received_at, mail, envelope, history)


# --- output -------------------------------------------------------------------------------------------------


def _print_json(result: Result) -> None:
    found = result.found
    print_json(
        {
            "old": {"named": result.old.name, "version": result.old.version or None},
            "new": {"named": result.new.name, "version": result.new.version or None},
            "mails": found.total,
            "unchanged": found.same,
            "not_replayed": result.missing,
            "max_changed": result.allowed.text,
            "exceeded": result.exceeded,
            **diff_text.changes_json(found.changes),
            "drifted": found.drifted,
        }
    )


def _print(result: Result, limit: int) -> None:
    found, zone = result.found, result.new.zone
    print_title(f"{_name_text(result.old)} -> {_name_text(result.new)}")
    echo(f"  mails            {found.total:>8,}")
    echo(f"  unchanged        {found.same:>8,}")
    diff_text.print_counts(found.changes)
    if result.missing:
        why = "split off by hand, or the mail is gone or can't be read"
        echo(f"  not replayed     {result.missing:>8,}  ({why})", dim=True)
    diff_text.print_changes(found.changes, zone, limit)
    _print_drifted(found.drifted, zone)
    if result.exceeded:
        echo(f"\nMore mails change than --max-changed {result.allowed.text} allows.", fg="red")


def _name_text(named: NamedPolicy) -> str:
    return clean(named.name) + (f" ({named.version})" if named.version not in ("", named.name) else "")


def _print_drifted(drifted: Sequence[Change], zone: str) -> None:
    """Print mails that the same policy routes differently now: mailbot changed, or has a fault."""
    if not drifted:
        return
    echo(
        f"\n{len(drifted):,} mails were routed differently by the same policy when they came: this mailbot "
        "decides differently from the one then, or has a fault. Recorded -> now:",
        fg="red",
    )
    for change in drifted[:MAX_DRIFTED]:
        diff_text.print_change(change, zone)
