"""`mailbot status`: is mail flowing, and if not, why not."""

import os
import shutil
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import click

from mailbot.cli.service.run import ROLES
from mailbot.cli.shared.open_store import (
    OpenStore,
    display_url,
    fail,
    load_configuration,
    missing_store_reason,
    now,
    open_store,
)
from mailbot.cli.shared.options import config_option, json_option
from mailbot.cli.shared.output import (
    clean,
    echo,
    format_duration,
    format_size,
    format_time,
    print_facts,
    print_json,
)
from mailbot.config.api import Relay, Settings
from mailbot.domain.states import InboxState, OutboxState
from mailbot.errors import StoreUnavailable
from mailbot.store import compensations, imap_folders, queries
from mailbot.store.engine import is_sqlite, sqlite_path
from mailbot.store.imap_folders import Folder
from mailbot.store.nodes import DEAD_AFTER

PATIENCE = 2.0  # seconds for the relay to answer
SLOW_INBOX = timedelta(seconds=60)  # a mail that waits longer for its ticket is trouble
SLOW_OUTBOX = timedelta(minutes=10)
LATE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Report:
    """How things are. `reasons`: why mail does not flow; empty when it does."""

    reasons: Sequence[str]
    remarks: Sequence[str]
    store: str
    free: int | None  # bytes left where a SQLite store lies
    relay: str
    relay_trouble: str
    standing: queries.StoreStatus
    last_mail_at: datetime | None
    overdue: int
    parked_deadlines: int
    nodes: Sequence[queries.NodeStatus]


@click.command()
@config_option
@json_option
def status(in_json: bool) -> None:
    """Is mail flowing? Last mail, oldest waiting, parked, overdue, store, relay, daemon. Exit 1 when not."""
    url = load_configuration().settings.store
    if refusal := missing_store_reason(url):
        _without_store(url, refusal, in_json)
    try:
        with open_store() as at:
            report, zone = _report(at), at.zone()
    except StoreUnavailable as error:
        _without_store(url, f"the store can't be used: {error}", in_json)
    print_json(_shape(report)) if in_json else _print(report, zone)
    if report.reasons:
        raise click.exceptions.Exit(1)


def _without_store(url: str, reason: str, in_json: bool) -> None:
    if in_json:
        print_json({"well": False, "reasons": [reason], "store": display_url(url)})
        raise click.exceptions.Exit(1)
    fail(reason)


def _report(at: OpenStore) -> Report:
    moment, read = now(), at.store.read_now
    standing = read(queries.store_status, moment)
    nodes = read(queries.list_nodes)
    trouble = _relay_trouble(at.settings.relay)
    late, parked = read(queries.overdue, moment - LATE), read(queries.parked_deadlines)
    free = _free(at.settings)
    folders = _folders(at)
    reasons = [
        *_silent(nodes, at.settings),
        *(f"{name}: {trouble}" for name, trouble, _ in folders if trouble),
        *_waiting(standing),
        *([f"{late} deadlines are overdue by more than {format_duration(LATE)}"] if late else []),
        *([f"{parked} deadlines are parked: `mailbot ticket list --overdue`"] if parked else []),
        *([f"the relay {_relay(at.settings.relay)} can't be reached: {trouble}"] if trouble else []),
        *_crowded(at.settings, free),
    ]
    return Report(
        reasons=reasons,
        remarks=[*_remarks(at, nodes, standing), *_left(folders)],
        store=display_url(at.settings.store),
        free=free,
        relay=_relay(at.settings.relay),
        relay_trouble=trouble,
        standing=standing,
        last_mail_at=read(queries.last_mail_at),
        overdue=standing.overdue_deadlines,
        parked_deadlines=parked,
        nodes=nodes,
    )


def _folders(at: OpenStore) -> list[tuple[str, str, int]]:
    """Of each IMAP account its name, why it can't be read, how many mails were left there."""
    known = at.store.read_now(imap_folders.folder_statuses)
    nothing = imap_folders.FolderStatus("", 0)
    found = [
        (account.name, known.get(Folder(f"{account.user}@{account.host}", account.folder), nothing))
        for account in at.settings.imap
    ]
    return [(name, clean(standing.trouble), standing.left) for name, standing in found]


def _left(folders: Sequence[tuple[str, str, int]]) -> list[str]:
    return [
        f"{left} mails had to be left in {name}: too large, or unreadable; the log says which"
        for name, _, left in folders
        if left
    ]


def _relay(relay: Relay) -> str:
    return f"{relay.host}:{relay.port}"


def _relay_trouble(relay: Relay) -> str:
    """Why it can't be reached, "" when it can."""
    try:
        with socket.create_connection((relay.host, relay.port), timeout=PATIENCE):
            return ""
    except OSError as error:
        return error.strerror or str(error) or "no answer"


def _free(settings: Settings) -> int | None:
    if not is_sqlite(settings.store):
        return None
    return shutil.disk_usage(Path(sqlite_path(settings.store)).resolve().parent).free


def _crowded(settings: Settings, free: int | None) -> list[str]:
    """At this point the listener says 452 (promise P4)."""
    least = settings.limits.space_needed
    if free is None or free >= least:
        return []
    return [
        f"only {format_size(free)} are free where the store is, no mail is taken below {format_size(least)}"
    ]


def alive(node: queries.NodeStatus) -> bool:
    """By its heartbeat; on this host also by its process."""
    if node.silent_for > DEAD_AFTER:
        return False
    if node.host != socket.gethostname():
        return True
    try:
        os.kill(node.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # it is there, it is somebody else's
    return True


def _silent(nodes: Sequence[queries.NodeStatus], settings: Settings) -> list[str]:
    living = [node for node in nodes if alive(node)]
    if not living:
        return ["no daemon runs on this store: `systemctl start mailbot` or `mailbot run`"]
    held = {role for node in living for role in node.roles}
    needed = [role for role in ROLES if role != "imap" or settings.imap]
    return [f"no daemon does {role}" for role in needed if role not in held]


def _waiting(standing: queries.StoreStatus) -> list[str]:
    found = []
    for place, slow in (("inbox", SLOW_INBOX), ("outbox", SLOW_OUTBOX)):
        oldest = standing.oldest.get(place, timedelta())
        if oldest > slow:
            found.append(
                f"the oldest mail in the {place} has waited for {format_duration(oldest)}: `mailbot {place} list`"
            )
    if parked := standing.inbox.get(InboxState.PARKED, 0):
        found.append(f"{parked} mails are parked: `mailbot inbox list --state parked`")
    return found


def _remarks(at: OpenStore, nodes: Sequence[queries.NodeStatus], standing: queries.StoreStatus) -> list[str]:
    found = []
    for node in nodes:
        if alive(node) and node.policy != at.policy.version:
            found.append(
                f"the daemon on {clean(node.host)} goes by policy {clean(node.policy)}, the files hold "
                f"{at.policy.version}: `mailbot reload`"
            )
        if node.reload_error:
            found.append(f"its last reload was refused: {clean(node.reload_error)}")
    if undecided := at.store.read_now(compensations.open_requests):
        oldest = format_duration(now() - undecided[0].at)
        found.append(
            f"{len(undecided)} requests for compensation wait for a decision, the oldest for {oldest}: "
            "`mailbot compensation list --open`"
        )
    if failed := standing.outbox.get(OutboxState.FAILED, 0):
        found.append(f"{failed} mails could not be delivered: `mailbot outbox list --state failed`")
    return found


def _shape(report: Report) -> dict[str, object]:
    oldest = {place: report.standing.oldest.get(place) for place in ("inbox", "outbox")}
    return {
        "well": not report.reasons,
        "reasons": report.reasons,
        "remarks": report.remarks,
        "last_mail_at": report.last_mail_at,
        "inbox": report.standing.inbox,
        "outbox": report.standing.outbox,
        "oldest_waiting_seconds": oldest,
        "overdue_deadlines": report.overdue,
        "parked_deadlines": report.parked_deadlines,
        "store": {"where": report.store, "free_bytes": report.free},
        "relay": {
            "address": report.relay,
            "reachable": not report.relay_trouble,
            "trouble": report.relay_trouble or None,
        },
        "daemons": [
            {
                **{name: getattr(node, name) for name in ("id", "host", "pid", "roles", "started_at")},
                "heartbeat_seconds": node.silent_for,
                "alive": alive(node),
                "policy": node.policy,
                "reloaded_at": node.reloaded_at,
                "trouble": node.reload_error,
            }
            for node in report.nodes
        ],
    }


def _print(report: Report, zone: str) -> None:
    last = (
        f"{format_time(report.last_mail_at, zone)} ({format_duration(now() - report.last_mail_at)} ago)"
        if report.last_mail_at
        else ""
    )
    free = f", {format_size(report.free)} free" if report.free is not None else ""
    print_facts(
        [
            *((f"daemon on {node.host}", _node(node)) for node in report.nodes),
            ("last mail", last or "none yet"),
            ("inbox", _queue(report.standing.inbox, report.standing.oldest.get("inbox"))),
            ("outbox", _queue(report.standing.outbox, report.standing.oldest.get("outbox"))),
            ("overdue deadlines", str(report.overdue)),
            ("store", f"{report.store}{free}"),
            ("relay", f"{report.relay}, {report.relay_trouble or 'reachable'}"),
        ]
    )
    for remark in report.remarks:
        echo(f"note: {remark}", fg="yellow")
    for reason in report.reasons:
        echo(f"NOT WELL: {reason}", fg="red")
    if not report.reasons:
        echo("Mail is flowing.", fg="green")


def _node(node: queries.NodeStatus) -> str:
    state = (
        f"alive, heartbeat {format_duration(node.silent_for)} ago"
        if alive(node)
        else f"silent for {format_duration(node.silent_for)}"
    )
    return f"{state}, process {node.pid}, policy {node.policy}, {' '.join(node.roles)}"


def _queue(states: Mapping[str, int], oldest: timedelta | None) -> str:
    counts = ", ".join(f"{count} {state}" for state, count in states.items() if count)
    return (counts or "empty") + (f"; the oldest waits {format_duration(oldest)}" if oldest else "")
