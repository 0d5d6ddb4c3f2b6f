"""`mailbot reload`: the running daemon takes the new policy, and we say what changed or why it did not."""

import os
import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from mailbot.cli.service.open_tickets import changed, insist, keep, recompute, shape, show
from mailbot.cli.service.status import alive
from mailbot.cli.shared.open_store import (
    OpenStore,
    fail,
    missing_store_reason,
    open_store,
    validate_configuration,
    wrong_schema_reason,
)
from mailbot.cli.shared.options import config_directory, config_option, json_option
from mailbot.cli.shared.output import clean, clean_block, echo, print_error, print_json
from mailbot.config.api import Loaded
from mailbot.config.quick_read import find_store
from mailbot.domain import policy_outline
from mailbot.errors import ConfigError, StoreUnavailable
from mailbot.operations.reapply_policy import Change
from mailbot.store import policies, queries
from mailbot.store.store import Store

PATIENCE = 60.0  # seconds for the daemon to read its files again: thousands of rules take some
LOOK = 0.05  # seconds between two looks


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What one daemon made of it. `changed` is None when no outline of the old policy is on record."""

    node: queries.NodeStatus
    old: str
    new: str
    changed: Sequence[str] | None
    trouble: str


@click.command()
@click.option(
    "--open-tickets",
    type=click.Choice(["keep", "recompute"]),
    default="keep",
    help="keep: they climb the ladders that they were given. recompute: they change over, after a list.",
)
@click.option("--dry-run", is_flag=True, help="Only the list of open tickets that would change.")
@click.option("--yes", is_flag=True, help="Agrees to the list.")
@config_option
@json_option
def reload(open_tickets: str, dry_run: bool, yes: bool, in_json: bool) -> None:
    """Have the daemon of this host take the new policy: all of it, or nothing when anything is wrong.

    The tests beside the rules are run first, here and by the daemon; one that fails refuses all of it.

    Open tickets keep their ladder and what they have climbed of it. With --open-tickets recompute those are
    listed that would change; each then climbs the ladder as it is now: of the steps whose moment is past by
    then the newest is taken at once unless it was taken before, the older ones count as taken. --json shows
    the list.
    """
    try:
        loaded, _ = validate_configuration()
    except ConfigError:
        if not dry_run:
            _refused_there_too(config_directory(click.get_current_context()))
        raise
    with open_store() as at:
        anew = _listed(at, in_json) if dry_run or open_tickets == "recompute" else []
        if dry_run:
            return
        nodes = _ours(at)
        if anew:
            insist(agreed=yes)
        done = [_reload(at.store, node) for node in nodes]
        taken = all(each.new == loaded.policy.version and not each.trouble for each in done)
        count = recompute(at, anew) if anew and taken else 0
        kept = keep(at)
    if in_json and open_tickets == "keep":
        print_json([_shape(each) for each in done])
    for each in done:
        _tell(each, loaded, in_json)
    if not in_json:
        _tell_open(kept, count, len(anew))
    if any(each.trouble for each in done) or (anew and not taken):
        raise click.exceptions.Exit(1)


def _listed(at: OpenStore, in_json: bool) -> list[Change]:
    found = changed(at)
    if in_json:
        print_json([shape(each) for each in found])
    else:
        show(at, found)
    return found


def _tell_open(kept: Sequence[str], count: int, wanted: int) -> None:
    if wanted:
        text = f"{count:,} of {wanted:,} open tickets reckoned anew"
        echo(f"  {text}", fg="green" if count else "yellow")
    for each in kept:
        echo(f"  {each}")


def _ours(at: OpenStore) -> list[queries.NodeStatus]:
    nodes = at.store.read_now(queries.list_nodes)
    if here := _here(nodes):
        return here
    others = sorted({clean(node.host) for node in nodes if alive(node)})
    elsewhere = f"; on other hosts: {', '.join(others)}" if others else ""
    text = f"no daemon of this host runs on this store{elsewhere}"
    return fail(f"{text}\nThe files are in order and hold at its next start.")


def _here(nodes: Sequence[queries.NodeStatus]) -> list[queries.NodeStatus]:
    return [node for node in nodes if node.host == socket.gethostname() and alive(node)]


def _refused_there_too(directory: Path) -> None:
    """The daemon is asked all the same: what it refuses it records, and tells the admins, who may be others
    than who typed this. Nothing is done where it can't be found."""
    url = find_store(directory, os.environ)
    if not url or missing_store_reason(url):
        return
    store = Store(url)
    try:
        if not wrong_schema_reason(store):
            for node in _here(store.read_now(queries.list_nodes)):
                _reload(store, node)
    except StoreUnavailable:
        return  # what is wrong with the files is said in any case
    finally:
        store.close()


def _reload(store: Store, before: queries.NodeStatus) -> Reloaded:
    if trouble := _ask(before):
        return Reloaded(before, before.policy, before.policy, None, trouble)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        time.sleep(LOOK)
        now = next((node for node in store.read_now(queries.list_nodes) if node.id == before.id), None)
        if now is None:
            return Reloaded(before, before.policy, "", None, "the daemon has ended meanwhile: see its log")
        if now.reloaded_at != before.reloaded_at:
            changed = _changed(store, before.policy, now.policy)
            return Reloaded(now, before.policy, now.policy, changed, now.reload_error or "")
    trouble = f"the daemon said nothing for {PATIENCE:.0f} s: see its log"
    return Reloaded(before, before.policy, before.policy, None, trouble)


def _ask(node: queries.NodeStatus) -> str:
    """Sends SIGHUP; "" when it is sent, else why not. It would end a program that has the number by now."""
    try:
        command = Path(f"/proc/{node.pid}/cmdline").read_bytes()
    except OSError:
        command = b"mailbot"  # no such file system here
    if b"mailbot" not in command:
        return f"process {node.pid} is no mailbot any more: the daemon died without a word"
    try:
        os.kill(node.pid, signal.SIGHUP)
    except ProcessLookupError:
        return f"process {node.pid} has just ended"
    except PermissionError:
        return f"process {node.pid} is not yours: `systemctl reload mailbot`, or call this as root"
    return ""


def _changed(store: Store, old: str, new: str) -> list[str] | None:
    if old == new:
        return []
    before, after = (store.read_now(policies.load_outline, version) for version in (old, new))
    if before is None or after is None:
        return None
    return policy_outline.compare_outlines(before, after) or [
        "nothing that decides about tickets: tests, templates, wording"
    ]


def _shape(done: Reloaded) -> dict[str, object]:
    return {
        "id": done.node.id,
        "host": done.node.host,
        "pid": done.node.pid,
        "old": done.old,
        "new": done.new or None,
        "changed": done.changed,
        "trouble": done.trouble or None,
    }


def _tell(done: Reloaded, files: Loaded, in_json: bool) -> None:
    in_files = files.policy.version
    if done.trouble:
        print_error(f"policy {done.old} stays in force: {clean_block(done.trouble)}")
        return
    if in_json:
        return
    if done.old == done.new:
        echo(f"policy {done.new} is in force already, nothing changed")
    else:
        echo(f"policy {done.old} -> {done.new}", fg="green")
    for each in done.changed or ():
        echo(f"  {clean(each)}")
    if done.changed is None:
        echo("  what changed is not known: the old policy left no outline")
    if count := len(files.tests):
        echo(f"  {count} test{'s' * (count != 1)} of the rules hold{'s' * (count == 1)}")
    if done.new != in_files:
        echo(f"note: the daemon reads other files than these, which hold policy {in_files}", fg="yellow")
