"""`mailbot retention`: what is past its time, by mailbox and kind, and deleting it now."""

import time
from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any

import click

from mailbot.cli.shared.open_store import OpenStore, now, open_store
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import echo, print_facts, print_json, print_table, print_title
from mailbot.domain.policy import Policy, Retention
from mailbot.store.retention import last_run, legal_holds, space
from mailbot.store.retention.last_run import LastRun
from mailbot.store.retention.rules import Line, rules_of
from mailbot.store.retention.run import Done, Read, run
from mailbot.views.formats import count_text, format_size, format_time
from mailbot.views.json_form import to_json

REST = 4  # times as long as a deletion took: the daemon goes on meanwhile
OTHERS = "all others"  # in place of a mailbox


@click.command()
@click.option("--dry-run", is_flag=True, help="Only show what would go; so without any option.")
@click.option("--now", "deletes", is_flag=True, help="Delete it now, as the daemon does each hour.")
@standard_options
def retention(dry_run: bool, deletes: bool, in_json: bool) -> None:
    """Show how long things are kept, and what is past its time, by mailbox and kind.

    Nothing of an open ticket goes, nor of one under a legal hold (`mailbot ticket list --legal-hold`).
    """
    if dry_run and deletes:
        raise click.UsageError("--dry-run or --now: one of them")
    with open_store(decides=deletes) as opened:
        lines = _run(opened, deletes=deletes)
        if in_json:
            print_json(_json(opened, lines, deletes=deletes))
        else:
            _print(opened, lines, deletes=deletes)


def _run(opened: OpenStore, *, deletes: bool) -> list[Line]:
    began_at = now()
    under_way = run(rules_of(opened.policy, began_at), deletes=deletes)
    done: Done | None = None
    while True:
        try:
            step = next(under_way) if done is None else under_way.send(done)
        except StopIteration as ended:
            lines: list[Line] = ended.value
            break
        began = time.monotonic()
        if isinstance(step, Read):
            done = Done(opened.store.read_now(step.query, *step.args), time.monotonic() - began)
        else:
            done = Done(opened.store.write_now(step.op, step.item), time.monotonic() - began)
            time.sleep(REST * done.seconds)
    if deletes:
        opened.store.write_now(last_run.record, LastRun(began_at, now(), lines))
    return lines


def _spans(policy: Policy) -> list[tuple[str, Retention]]:
    own = [(address, box.retention) for address, box in policy.mailboxes.items()]
    return [*own, ("", policy.retention)]


def _json(opened: OpenStore, lines: Sequence[Line], *, deletes: bool) -> dict[str, Any]:
    read = opened.store.read_now
    return {
        "kept": [{"mailbox": mailbox, **to_json(kept)} for mailbox, kept in _spans(opened.policy)],
        "dry_run": not deletes,
        "found": to_json(lines),
        "held": sorted(read(legal_holds.held_numbers)),
        "last_run": to_json(read(last_run.load)),
        "pages": to_json(read(space.pages)),
    }


def _print(opened: OpenStore, lines: Sequence[Line], *, deletes: bool) -> None:
    zone, read = opened.zone(), opened.store.read_now
    print_title("How long things of closed tickets are kept")
    names = [each.name for each in fields(Retention)]
    rows = [
        (mailbox or OTHERS, *(_span_text(getattr(kept, name)) for name in names))
        for mailbox, kept in _spans(opened.policy)
    ]
    print_table(("mailbox", *(name.replace("_", " ") for name in names)), rows)
    echo()
    print_title("Deleted now" if deletes else "Past its time")
    print_lines(lines, zone)
    newest = read(last_run.load)
    pages = read(space.pages)
    held = len(read(legal_holds.held_numbers))
    facts = [
        ("under legal hold", count_text(held, "ticket") if held else ""),
        ("last run", _last_run_text(newest, zone)),
        ("free in the file", _pages_text(pages) if pages else ""),
    ]
    print_facts(facts)


def print_lines(lines: Sequence[Line], zone: str) -> None:
    rows = [
        (
            line.mailbox or OTHERS,
            line.kind.replace("_", " "),
            f"{line.count:,}",
            format_size(line.bytes),
            format_time(line.oldest, zone),
        )
        for line in lines
    ]
    print_table(("mailbox", "", "count", "bytes", "oldest"), rows, empty="Nothing.")


def _span_text(span: timedelta | None) -> str:
    return "for good" if span is None else count_text(round(span / timedelta(days=1)), "day")


def _last_run_text(newest: LastRun | None, zone: str) -> str:
    if newest is None:
        return "none yet"
    count = sum(line.count for line in newest.deleted)
    return f"{format_time(newest.ended_at, zone)}, {count:,} deleted"


def _pages_text(pages: space.Pages) -> str:
    free = f"{format_size(pages.free * pages.size)} of {format_size(pages.all * pages.size)}"
    cure = "" if pages.shrinks else "; it never shrinks until `mailbot db compact`"
    return free + cure
