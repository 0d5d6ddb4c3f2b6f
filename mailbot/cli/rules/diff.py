"""`mailbot rules diff`: what a change of policy would mean for people, over real mail."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from mailbot.analysis import opening_mails, replay
from mailbot.analysis.diff.consequences import ConsequenceCounter, Consequences
from mailbot.analysis.replay import Replayed
from mailbot.cli.rules import consequences_text, diff_text
from mailbot.cli.service import mail_folder
from mailbot.cli.shared.open_store import (
    LIVE,
    RECORDED,
    NamedPolicy,
    check_policy_names,
    fail,
    find_policy,
    load_directory,
    now,
    open_store,
)
from mailbot.cli.shared.options import parse_time, standard_options
from mailbot.cli.shared.output import clean, echo, echo_wrapped, print_json
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
class Compared:
    """The comparison. `missing` counts split-off tickets, mail that is gone, files that can't be read."""

    found: Replayed
    consequences: Consequences
    missing: int


@dataclass(frozen=True, slots=True)
class Result:
    """What was asked for, and the comparison."""

    old: NamedPolicy
    new: NamedPolicy
    compared: Compared
    allowed: Allowed

    @property
    def found(self) -> Replayed:
        return self.compared.found

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
@diff_text.tickets_options
@standard_options
def diff(
    old: str,
    new: str,
    folder: Path | None,
    since: str | None,
    allowed: Allowed,
    limit: int,
    everything: bool,
    in_json: bool,
) -> None:
    """Compare two policies over real mail: what NEW means for customers and staff, which mails change, and why.

    OLD and NEW are directories, `live` (the policy in force), or a version that was in force. OLD may be
    `recorded`: what was decided when each mail came. Every mail that opens a ticket counts. A mail in a file
    counts as its sender's first. Exit 1 when more mails change than --max-changed allows.
    """
    if folder and since:
        raise click.UsageError("--mail or --since: one of them")
    if RECORDED in (old if folder else "", new):
        raise click.UsageError(f"`{RECORDED}` exists for stored mail only, and as OLD")
    check_policy_names(old, new)
    if folder and LIVE not in (old, new) and Path(old).is_dir() and Path(new).is_dir():
        before, after = load_directory(old), load_directory(new)
        compared = _compare_files(folder, before, after)
    else:
        with open_store(decides=True) as opened:
            before, after = find_policy(opened.store, old), find_policy(opened.store, new)
            if folder:
                compared = _compare_files(folder, before, after)
            else:
                begin = parse_time(since or "30d", now(), opened.zone())
                compared = _compare_stored(opened.store, begin, before, after)
    result = Result(before, after, compared, allowed)
    if in_json:
        _print_json(result)
    else:
        _print(result, None if everything else limit)
    if result.exceeded:
        raise click.exceptions.Exit(1)


# --- the mail -----------------------------------------------------------------------------------------------


def _compare_stored(store: Store, since: datetime, old: NamedPolicy, new: NamedPolicy) -> Compared:
    """Compare over stored mail. `missing` are tickets without mail (split off, or erased)."""
    assert new.policy
    numbers = store.read_now(opening_mails.numbers_since, since)
    both = [named.policy for named in (old, new) if named.policy]
    # Recorded decisions are on the ladders and in the teams of the policy in force.
    ladders = old.policy or find_policy(store, LIVE).policy or new.policy
    found, counter = Replayed(), ConsequenceCounter(ladders, new.policy, since, now())
    for case in progress(replay.stored_cases(store, numbers, both), len(numbers), "Routing again"):
        counter.take(case, *replay.replay(case, old.policy, new.policy, found))
    return Compared(found, counter.result(), len(numbers) - found.total)


def _compare_files(folder: Path, old: NamedPolicy, new: NamedPolicy) -> Compared:
    """Compare over mail in files. `missing` are files that can't be read."""
    assert old.policy
    assert new.policy
    files = mail_folder.list_files(folder)
    if not files:
        fail(f"there is no mail in {clean(folder)}: files that end in .eml or .mbox, or a Maildir")
    found, counter, unread = Replayed(), ConsequenceCounter(old.policy, new.policy), 0
    for file in progress(files, len(files), "Routing"):
        try:
            for case in _cases(file, folder, new.authserv_ids):
                counter.take(case, *replay.replay(case, old.policy, new.policy, found))
        except OSError:  # no permission, or deleted since it was listed
            unread += 1
    return Compared(found, counter.result(), unread)


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
            "not_replayed": result.compared.missing,
            "max_changed": result.allowed.text,
            "exceeded": result.exceeded,
            "consequences": result.compared.consequences,
            **diff_text.changes_json(found.changes),
            "subjects": found.subjects,
            "drifted": found.drifted,
        }
    )


def _print(result: Result, shown: int | None) -> None:
    assert result.new.policy
    found, zone = result.found, result.new.zone
    echo_wrapped(f"{_name_text(result.old)} -> {_name_text(result.new)}", bold=True)
    consequences_text.print_consequences(
        result.compared.consequences, result.new.policy, everybody=shown is None
    )
    echo()
    diff_text.print_counts(found.changes, found.total)
    if missing := result.compared.missing:
        why = "split off by hand, or the mail is gone or can't be read"
        echo_wrapped(f"{missing:,} more can't be routed again: {why}.")
    diff_text.print_changes(found.changes, result.new.policy, zone, shown, found.subjects)
    _print_drifted(found.drifted, zone)
    if result.exceeded:
        text = f"More mails change than --max-changed {result.allowed.text} allows."
        echo()
        echo_wrapped(text, fg="red")


def _name_text(named: NamedPolicy) -> str:
    return clean(named.name) + (f" ({named.version})" if named.version not in ("", named.name) else "")


def _print_drifted(drifted: Sequence[Change], zone: str) -> None:
    """Print mails that the same policy routes differently now: mailbot changed, or has a fault."""
    if not drifted:
        return
    echo()
    echo_wrapped(
        f"{len(drifted):,} mails were routed differently by the same policy when they came: this mailbot "
        "decides differently from the one then, or has a fault. Recorded -> now:",
        fg="red",
    )
    for change in drifted[:MAX_DRIFTED]:
        diff_text.print_change(change, zone)
