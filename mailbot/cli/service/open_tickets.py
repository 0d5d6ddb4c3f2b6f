"""What a change of policy means for open tickets: list the changes, then apply the policy to them."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import click

from mailbot.cli.shared.open_store import OpenStore, fail, now
from mailbot.cli.shared.output import echo, on_terminal, print_table
from mailbot.cli.shared.progress import progress
from mailbot.operations.reapply_policy import BATCH, Change, Reapply, changes, reapply
from mailbot.operations.ticket_commands import operator
from mailbot.store import ladders
from mailbot.views.formats import count_text, format_short_time
from mailbot.views.json_form import to_json

SHOWN = 50  # rows on a terminal; elsewhere all


def describe_former_ladders(opened: OpenStore) -> list[str]:
    """List how many open tickets keep a ladder as it was when they were given it."""
    current = set(opened.policy.digests.values())
    counts: dict[str, int] = {}
    for name, digest, count in opened.store.read_now(ladders.count_open_by_ladder):
        if digest and digest not in current:
            counts[name] = counts.get(name, 0) + count
    return [
        f"{count_text(count, 'open ticket')} of ladder {name} keep{'s' * (count == 1)} it as it was"
        for name, count in sorted(counts.items())
    ]


def find_changes(opened: OpenStore) -> list[Change]:
    """List every open ticket that would change if the policy were applied to all now."""
    total = sum(count for _, _, count in opened.store.read_now(ladders.count_open_by_ladder))
    batches = progress(_read_batches(opened), -(-total // BATCH), "Comparing")
    return [change for batch in batches for change in batch]


def _read_batches(opened: OpenStore) -> Iterator[list[Change]]:
    last, at = "", now()
    while True:
        found, last, count = opened.store.read_now(changes, last, opened.policy, at)
        yield found
        if count < BATCH:
            return


def changes_json(found: Sequence[Change]) -> Any:
    return to_json(found, only=("number", "old_ladder", "new_ladder", "old_due", "new_due"))


def print_changes(opened: OpenStore, found: Sequence[Change]) -> None:
    """Print ticket, ladder and next deadline, as they are and as they would be."""
    zone, at = opened.zone(), now()
    rows = [
        (
            change.number,
            change.old_ladder,
            "unchanged" if change.same else change.new_ladder,
            format_short_time(change.old_due, zone) or "none",
            "at once" if change.new_due and change.new_due <= at else format_short_time(change.new_due, zone),
        )
        for change in found
    ]
    shown = rows[:SHOWN] if on_terminal() else rows
    print_table(("number", "ladder", "new ladder", "due", "newly due"), shown)
    if len(shown) < len(rows):
        echo(f"… and {len(rows) - len(shown):,} more; --json shows all")
    at_once = sum(change.new_due is not None and change.new_due <= at for change in found)
    echo(f"{count_text(len(found), 'open ticket')} would change, {at_once:,} with a step at once")


def confirm(*, agreed: bool) -> None:
    """Ask the admin to agree to the list. Exit 1 when the answer is no."""
    if agreed:
        return
    if not on_terminal():
        fail("nothing was reloaded: --yes agrees to this list")
    if not click.confirm("Reload, and apply the policy to these tickets?"):
        fail("nothing was reloaded")


def apply_policy(opened: OpenStore, found: Sequence[Change]) -> int:
    """Apply the policy to these tickets and return how many changed.

    After each transaction it sleeps as long as that took, so that the daemon gets its share of the store.
    """
    opened.store.write_now(ladders.save, opened.policy)
    runtime, actor = opened.build_runtime(), operator()
    numbers = [change.number for change in found]
    batches = [tuple(numbers[start : start + BATCH]) for start in range(0, len(numbers), BATCH)]
    done = 0
    for batch in progress(batches, len(batches), "Applying the policy"):
        started = time.monotonic()
        done += reapply(opened.store, runtime, Reapply(batch, actor, now()))
        time.sleep(time.monotonic() - started)
    return done
