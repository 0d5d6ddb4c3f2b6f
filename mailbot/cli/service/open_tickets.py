"""What a change of policy does to open tickets: the list first, then one ticket after the other."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import click

from mailbot.cli.shared.open_store import OpenStore, fail, now
from mailbot.cli.shared.output import echo, format_short_time, on_terminal, print_table
from mailbot.cli.shared.progress import progress
from mailbot.operations import ticket_commands as acting
from mailbot.operations.reapply_policy import BATCH, Change, Reapply, changes, reapply
from mailbot.store import ladders

SHOWN = 50  # rows on a terminal; elsewhere all


def keep(at: OpenStore) -> list[str]:
    """What stays as it is, in words: open tickets climb the ladders that they were given."""
    now_there = set(at.policy.digests.values())
    former: dict[str, int] = {}
    for name, digest, count in at.store.read_now(ladders.count_open_by_ladder):
        if digest and digest not in now_there:
            former[name] = former.get(name, 0) + count
    return [
        f"{count} open ticket{'s' * (count != 1)} of ladder {name} climb{'s' * (count == 1)} it as it was"
        for name, count in sorted(former.items())
    ]


def changed(at: OpenStore) -> list[Change]:
    """Every open ticket that would change if all were reckoned anew now."""
    total = sum(count for _, _, count in at.store.read_now(ladders.count_open_by_ladder))
    return [each for found in progress(_looked_at(at), -(-total // BATCH), "Looking") for each in found]


def _looked_at(at: OpenStore) -> Iterator[list[Change]]:
    after, moment = "", now()
    while True:
        found, after, count = at.store.read_now(changes, after, at.policy, moment)
        yield found
        if count < BATCH:
            return


def show(at: OpenStore, found: Sequence[Change]) -> None:
    """The list: number, ladder and next deadline as they are and as they would be."""
    zone, moment = at.zone(), now()
    rows = [
        (
            each.number,
            each.old_ladder,
            "unchanged" if each.same else each.new_ladder,
            format_short_time(each.old_due, zone) or "none",
            "at once" if each.new_due and each.new_due <= moment else format_short_time(each.new_due, zone),
        )
        for each in found
    ]
    shown = rows[:SHOWN] if on_terminal() else rows
    print_table(("number", "ladder", "new ladder", "due", "newly due"), shown)
    if len(shown) < len(rows):
        echo(f"… and {len(rows) - len(shown):,} more; --json shows all", dim=True)
    at_once = sum(each.new_due is not None and each.new_due <= moment for each in found)
    echo(f"{len(found):,} open ticket{'s' * (len(found) != 1)} would change, {at_once:,} with a step at once")


def insist(*, agreed: bool) -> None:
    """Exit 1 unless the admin agrees to what was shown."""
    if agreed:
        return
    if not on_terminal():
        fail("nothing was reloaded: --yes agrees to this list")
    if not click.confirm("Reload, and reckon these tickets anew?"):
        fail("nothing was reloaded")


def recompute(at: OpenStore, found: Sequence[Change]) -> int:
    """Has them all reckoned anew; how many were. After each transaction others get the time that it took."""
    at.store.write_now(ladders.save, at.policy)
    runtime, by = at.build_runtime(), acting.operator()
    numbers = [each.number for each in found]
    batches = [tuple(numbers[start : start + BATCH]) for start in range(0, len(numbers), BATCH)]
    done = 0
    for batch in progress(batches, len(batches), "Reckoning"):
        begun = time.monotonic()
        done += reapply(at.store, runtime, Reapply(batch, by, now()))
        time.sleep(time.monotonic() - begun)
    return done


def shape(each: Change) -> dict[str, Any]:
    names = ("number", "old_ladder", "new_ladder", "old_due", "new_due")
    return {name: getattr(each, name) for name in names}
