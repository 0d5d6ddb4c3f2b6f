"""Put a policy that was tried in force: its files in the place of the former ones, then what `reload` does."""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mailbot import log
from mailbot.console.admin.trials import InForce, Trial
from mailbot.console.desk import Desk
from mailbot.domain.actor import Actor
from mailbot.domain.people.access import Viewer
from mailbot.domain.policy_review.policy_outline import compare_outlines
from mailbot.operations.daemons import ask_to_reload, of_this_host
from mailbot.store import policies, queries
from mailbot.store.console import forms

PATIENCE = 60.0  # seconds for the daemon to read its files again
POLL = 0.2


@dataclass(frozen=True, slots=True)
class _Form:
    key: str
    by: Actor
    now: datetime
    result: str


def _record(connection: Connection, items: Sequence[_Form]) -> list[None]:
    for item in items:
        if not forms.find(connection, item.key, item.by):
            forms.add(connection, item.key, item.by, item.now, result=item.result)
    return [None] * len(items)


async def put_in_force(desk: Desk, trial: Trial, viewer: Viewer, once: str) -> None:
    """Replace the files and reload, once by the key of the form. Raises FilesChanged, Unusable, OSError.

    The result comes later into `trial.result`. Files that the reload refuses are put back.
    """
    async with desk.admin.trials.in_force:
        if await desk.read(forms.find, once, viewer.actor):
            return
        node = await desk.read(_own_node, desk.daemon)
        old = desk.policy.version
        former = await asyncio.to_thread(trial.new.put_in_place, desk.now())
        log.policy_files_replaced(by=str(viewer.actor), files=sorted(trial.new.files), former=former)
        await desk.write(_record, _Form(once, viewer.actor, desk.now(), f"policy files, {old} before"))
        trial.result = InForce(viewer.name, former)
        desk.reload()
        trial.result.task = asyncio.create_task(
            _wait(desk, trial, trial.result, node, old), name="policy in force"
        )


def _own_node(connection: Connection, pid: int) -> queries.NodeStatus | None:
    """Find our daemon among all."""
    here = (socket.gethostname(), pid)
    return next((node for node in queries.list_nodes(connection) if (node.host, node.pid) == here), None)


async def _wait(
    desk: Desk, trial: Trial, result: InForce, before: queries.NodeStatus | None, old: str
) -> None:
    """Wait for what comes of the reload, and put the former files back where it is refused."""
    try:
        async with asyncio.timeout(PATIENCE):
            node = await _reloaded(desk, before)
    except TimeoutError:
        result.trouble = f"the daemon gave no result within {PATIENCE:.0f} s: its log has the reason"
        return
    if node.reload_error is None:
        for other in of_this_host(await desk.read(queries.list_nodes)):
            if other.id != node.id:  # a process beside this one
                ask_to_reload(other)
        result.changed = await desk.read(_changed, old, node.policy)
        result.version = node.policy
        return
    if result.former:
        await asyncio.to_thread(trial.new.put_back, result.former)
        log.policy_files_put_back(by=trial.by, files=sorted(trial.new.files), former=result.former)
    result.trouble = node.reload_error


async def _reloaded(desk: Desk, before: queries.NodeStatus | None) -> queries.NodeStatus:
    while True:
        await asyncio.sleep(POLL)
        node = await desk.read(_own_node, desk.daemon)
        if node and (before is None or node.reloaded_at != before.reloaded_at):
            return node


def _changed(connection: Connection, old: str, new: str) -> list[str]:
    """List what changed between two versions; nothing where one is not on record."""
    outlines = [policies.load_outline(connection, version) for version in (old, new)]
    return compare_outlines(outlines[0], outlines[1]) if outlines[0] and outlines[1] else []
