"""`mailbot reload`: the running daemon loads the new policy, and the command prints what changed."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from mailbot.cli.service import open_tickets as tickets
from mailbot.cli.shared.config_place import config_directory
from mailbot.cli.shared.open_store import (
    OpenStore,
    fail,
    missing_store_reason,
    open_store,
    validate_configuration,
    wrong_schema_reason,
)
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import clean, clean_block, echo, print_error, print_json
from mailbot.config.api import Loaded, Sources
from mailbot.config.changes import compare_sources
from mailbot.config.quick_read import find_store
from mailbot.domain.policy_review import policy_outline
from mailbot.errors import ConfigError, StoreUnavailable
from mailbot.operations.daemons import ask_to_reload, is_alive, of_this_host
from mailbot.operations.reapply_policy import Change
from mailbot.store import policies, queries
from mailbot.store.store import Store
from mailbot.views.formats import count_text
from mailbot.views.json_form import to_json

PATIENCE = 60.0  # seconds for the daemon to read its files again: thousands of rules take some
POLL = 0.05  # seconds between two reads of its row


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The result of one daemon. `changed` is None when the old policy is not on record."""

    node: queries.NodeStatus
    old: str
    new: str
    changed: Sequence[str] | None
    trouble: str


@dataclass(frozen=True, slots=True)
class _Recorded:
    outline: policy_outline.Outline
    sources: Sources


@click.command()
@click.option(
    "--open-tickets",
    type=click.Choice(["keep", "recompute"]),
    default="keep",
    help="keep: they stay on the ladders they were given. recompute: they change over, after a list.",
)
@click.option("--dry-run", is_flag=True, help="Only list the open tickets that would change.")
@click.option("--yes", is_flag=True, help="Agree to the list.")
@standard_options
def reload(open_tickets: str, dry_run: bool, yes: bool, in_json: bool) -> None:
    """Reload the policy of this host's daemon: all of it, or nothing when anything is wrong.

    The tests of the rules run first, here and in the daemon. One that fails refuses the whole policy.

    Open tickets keep their ladder and the steps taken. With --open-tickets recompute, those that would
    change are listed, and --json shows that list. Each then moves to the ladder as it is now. Of the steps
    whose time has passed, the newest is taken at once unless it was taken before. The older ones count as
    taken.
    """
    try:
        loaded, _ = validate_configuration()
    except ConfigError:
        if not dry_run:
            _signal_anyway(config_directory(click.get_current_context()))
        raise
    with open_store(decides=True) as opened:
        listed = _list(opened, in_json) if dry_run or open_tickets == "recompute" else []
        if dry_run:
            return
        nodes = _find_nodes(opened)
        if listed:
            tickets.confirm(agreed=yes)
        results = [_reload(opened.store, node) for node in nodes]
        taken = all(result.new == loaded.policy.version and not result.trouble for result in results)
        count = tickets.apply_policy(opened, listed) if listed and taken else 0
        former = tickets.describe_former_ladders(opened)
    if in_json and open_tickets == "keep":
        print_json([_result_json(result) for result in results])
    for result in _different(results):
        _print_result(result, loaded, in_json)
    if not in_json:
        _print_open_tickets(former, count, len(listed))
    if any(result.trouble for result in results) or (listed and not taken):
        raise click.exceptions.Exit(1)


def _different(results: Sequence[Reloaded]) -> list[Reloaded]:
    """Return one of those that say the same: the daemons of one supervisor change together."""
    return list({(each.old, each.new, each.trouble): each for each in results}.values())


def _list(opened: OpenStore, in_json: bool) -> list[Change]:
    found = tickets.find_changes(opened)
    if in_json:
        print_json(tickets.changes_json(found))
    else:
        tickets.print_changes(opened, found)
    return found


def _print_open_tickets(former: Sequence[str], count: int, listed: int) -> None:
    if listed:
        text = f"the policy was applied to {count:,} of {listed:,} open tickets"
        echo(f"  {text}")
    for text in former:
        echo(f"  {text}")


# --- the daemons --------------------------------------------------------------------------------------------


def _find_nodes(opened: OpenStore) -> list[queries.NodeStatus]:
    """Find the daemons of this host. Exit 1 when there is none."""
    nodes = opened.store.read_now(queries.list_nodes)
    if here := of_this_host(nodes):
        return here
    others = sorted({clean(node.host) for node in nodes if is_alive(node)})
    elsewhere = f"; on other hosts: {', '.join(others)}" if others else ""
    text = f"no daemon of this host runs on this store{elsewhere}"
    return fail(f"{text}\nThe files are valid and take effect at its next start.")


def _signal_anyway(directory: Path) -> None:
    """Let the daemon refuse the bad files too: it records that and notifies the admins, who may be others.

    Do nothing where it can't be found.
    """
    url = find_store(directory, os.environ)
    if not url or missing_store_reason(url):
        return
    store = Store(url)
    try:
        if not wrong_schema_reason(store):
            for node in of_this_host(store.read_now(queries.list_nodes)):
                _reload(store, node)
    except StoreUnavailable:
        return  # the problems of the files are printed in any case
    finally:
        store.close()


def _reload(store: Store, before: queries.NodeStatus) -> Reloaded:
    """Signal the daemon and wait for the result in its row."""
    old = _recorded(store, before.policy)
    if trouble := ask_to_reload(before):
        return Reloaded(before, before.policy, before.policy, None, trouble)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        time.sleep(POLL)
        now = next((node for node in store.read_now(queries.list_nodes) if node.id == before.id), None)
        if now is None:
            return Reloaded(before, before.policy, "", None, "the daemon has ended: see its log")
        if now.reloaded_at != before.reloaded_at:
            changed = _compare(old, _recorded(store, now.policy))
            return Reloaded(now, before.policy, now.policy, changed, now.reload_error or "")
    trouble = f"the daemon gave no result within {PATIENCE:.0f} s: see its log"
    return Reloaded(before, before.policy, before.policy, None, trouble)


def _recorded(store: Store, version: str) -> _Recorded | None:
    """Load what is on record of a version; None where no daemon has recorded it."""
    outline, kept = (
        store.read_now(policies.load_outline, version),
        store.read_now(policies.load_sources, version),
    )
    return _Recorded(outline, Sources(kept.files, kept.templates)) if kept and outline else None


def _compare(old: _Recorded | None, new: _Recorded | None) -> list[str] | None:
    """List what differs between two policies. None when one of them is not on record."""
    if old is None or new is None:
        return None
    named = policy_outline.compare_outlines(old.outline, new.outline)
    return [*named, *compare_sources(old.sources, new.sources, named)]


def _result_json(result: Reloaded) -> dict[str, object]:
    return {
        **to_json(result.node, only=("id", "host", "pid")),
        "old": result.old,
        "new": result.new or None,
        "changed": result.changed,
        "trouble": result.trouble or None,
    }


def _print_result(result: Reloaded, files: Loaded, in_json: bool) -> None:
    if result.trouble:
        print_error(f"policy {result.old} stays in force: {clean_block(result.trouble)}")
        return
    if in_json:
        return
    if result.old != result.new:
        echo(f"policy {result.old} -> {result.new}", bold=True)
    else:
        echo(f"policy {result.new} is in force already{'' if result.changed else ', nothing changed'}")
    for text in result.changed or ():
        echo(f"  {clean(text)}")
    if result.changed is None:
        echo("  what changed is not known: the old policy is not on record")
    if (count := len(files.tests)) and result.old != result.new:
        echo(f"  {count_text(count, 'test')} of the rules pass{'es' * (count == 1)}")
    if result.new != files.policy.version:
        note = f"note: the daemon reads other files than these, which hold policy {files.policy.version}"
        echo(note)
