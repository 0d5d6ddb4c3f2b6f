"""`mailbot status`: is mail flowing, and if not, why not."""

import shutil
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import click

from mailbot.cli.service.run import ROLES
from mailbot.cli.shared.daemons import is_alive
from mailbot.cli.shared.formats import format_duration, format_size, format_time
from mailbot.cli.shared.json_form import print_json, to_json
from mailbot.cli.shared.open_store import (
    OpenStore,
    display_url,
    fail,
    load_configuration,
    missing_store_reason,
    now,
    open_store,
)
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import clean, echo, print_facts
from mailbot.config.api import Relay, Settings
from mailbot.domain.model import InboxState, OutboxState
from mailbot.errors import StoreUnavailable
from mailbot.store import compensations, queries
from mailbot.store.engine import is_sqlite, sqlite_path
from mailbot.store.service import imap_folders
from mailbot.store.service.imap_folders import Folder

PATIENCE = 2.0  # seconds for the relay to answer
SLOW_INBOX = timedelta(seconds=60)  # a mail that waits longer for its ticket is a problem
SLOW_OUTBOX = timedelta(minutes=10)
LATE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Status:
    """All that `status` shows. `reasons`: why mail does not flow; empty when it does."""

    reasons: Sequence[str]
    remarks: Sequence[str]
    store: str
    free: int | None  # bytes left where a SQLite store is
    relay: str
    relay_trouble: str
    figures: queries.StoreStatus
    last_mail_at: datetime | None
    parked_deadlines: int
    nodes: Sequence[queries.NodeStatus]


@click.command()
@standard_options
def status(in_json: bool) -> None:
    """Show whether mail is flowing. Exit 1 when it is not, with each reason on a line.

    It checks the last mail, the oldest waiting one, parked mail, overdue deadlines, store, relay and daemon.
    """
    url = load_configuration().settings.store
    if reason := missing_store_reason(url):
        _fail_without_store(url, reason, in_json)
    try:
        with open_store() as opened:
            found, zone = _read(opened), opened.zone()
    except StoreUnavailable as error:
        _fail_without_store(url, f"the store can't be used: {error}", in_json)
    if in_json:
        print_json(_status_json(found))
    else:
        _print(found, zone)
    if found.reasons:
        raise click.exceptions.Exit(1)


def _fail_without_store(url: str, reason: str, in_json: bool) -> None:
    if in_json:
        print_json({"well": False, "reasons": [reason], "store": display_url(url)})
        raise click.exceptions.Exit(1)
    fail(reason)


def _read(opened: OpenStore) -> Status:
    at, read, settings = now(), opened.store.read_now, opened.settings
    figures, nodes = read(queries.store_status, at), read(queries.list_nodes)
    relay, relay_trouble = f"{settings.relay.host}:{settings.relay.port}", _connect(settings.relay)
    late, parked = read(queries.overdue, at - LATE), read(queries.parked_deadlines)
    free, folders = _free_space(settings), _read_folders(opened)
    reasons = [
        *_missing_roles(nodes, settings),
        *(f"{name}: {trouble}" for name, trouble, _ in folders if trouble),
        *_waiting_mail(figures),
        *([f"{late} deadlines are overdue by more than {format_duration(LATE)}"] if late else []),
        *([f"{parked} deadlines are parked: `mailbot ticket list --overdue`"] if parked else []),
        *([f"the relay {relay} can't be reached: {relay_trouble}"] if relay_trouble else []),
        *_full_disk(settings, free),
    ]
    return Status(
        reasons=reasons,
        remarks=[*_remarks(opened, nodes, figures), *_unread_mail(folders)],
        store=display_url(settings.store),
        free=free,
        relay=relay,
        relay_trouble=relay_trouble,
        figures=figures,
        last_mail_at=read(queries.last_mail_at),
        parked_deadlines=parked,
        nodes=nodes,
    )


def _read_folders(opened: OpenStore) -> list[tuple[str, str, int]]:
    """Return (name, why it can't be read, count of mails left there) of each IMAP account."""
    known = opened.store.read_now(imap_folders.folder_statuses)
    unknown = imap_folders.FolderStatus("", 0)
    found = [
        (account.name, known.get(Folder(f"{account.user}@{account.host}", account.folder), unknown))
        for account in opened.settings.imap
    ]
    return [(name, clean(folder.error), folder.skipped) for name, folder in found]


def _unread_mail(folders: Sequence[tuple[str, str, int]]) -> list[str]:
    return [
        f"{left} mails were left in {name}: too large, or unreadable; the log names them"
        for name, _, left in folders
        if left
    ]


def _connect(relay: Relay) -> str:
    """Connect to the relay. Return why that fails, else ""."""
    try:
        with socket.create_connection((relay.host, relay.port), timeout=PATIENCE):
            return ""
    except OSError as error:
        return error.strerror or str(error) or "no answer"


def _free_space(settings: Settings) -> int | None:
    if not is_sqlite(settings.store):
        return None
    return shutil.disk_usage(Path(sqlite_path(settings.store)).resolve().parent).free


def _full_disk(settings: Settings, free: int | None) -> list[str]:
    """Report a full disk at the point where the listener answers 452."""
    least = settings.limits.space_needed
    if free is None or free >= least:
        return []
    free_text, least_text = format_size(free), format_size(least)
    return [f"only {free_text} are free where the store is, no mail is accepted below {least_text}"]


def _missing_roles(nodes: Sequence[queries.NodeStatus], settings: Settings) -> list[str]:
    living = [node for node in nodes if is_alive(node)]
    if not living:
        return ["no daemon runs on this store: `systemctl start mailbot` or `mailbot run`"]
    present = {role for node in living for role in node.roles}
    needed = [role for role in ROLES if role != "imap" or settings.imap]
    return [f"no daemon does {role}" for role in needed if role not in present]


def _waiting_mail(figures: queries.StoreStatus) -> list[str]:
    found = []
    for place, slow in (("inbox", SLOW_INBOX), ("outbox", SLOW_OUTBOX)):
        oldest = figures.oldest.get(place, timedelta())
        if oldest > slow:
            waiting = f"has waited for {format_duration(oldest)}"
            found.append(f"the oldest mail in the {place} {waiting}: `mailbot {place} list`")
    if parked := figures.inbox.get(InboxState.PARKED, 0):
        found.append(f"{parked} mails are parked: `mailbot inbox list --state parked`")
    return found


def _remarks(
    opened: OpenStore, nodes: Sequence[queries.NodeStatus], figures: queries.StoreStatus
) -> list[str]:
    found = []
    version = opened.policy.version
    for node in nodes:
        if is_alive(node) and node.policy != version:
            uses = f"the daemon on {clean(node.host)} uses policy {clean(node.policy)}"
            found.append(f"{uses}, the files hold {version}: `mailbot reload`")
        if node.reload_error:
            found.append(f"its last reload was refused: {clean(node.reload_error)}")
    if requests := opened.store.read_now(compensations.open_requests):
        oldest = format_duration(now() - requests[0].at)
        found.append(
            f"{len(requests)} requests for compensation wait for a decision, the oldest for {oldest}: "
            "`mailbot compensation list --open`"
        )
    if failed := figures.outbox.get(OutboxState.FAILED, 0):
        found.append(f"{failed} mails could not be delivered: `mailbot outbox list --state failed`")
    return found


NODE = (
    *("id", "host", "pid", "roles", "started_at"),
    *("silent_for", "policy", "reloaded_at", "reload_error"),
)


def _status_json(found: Status) -> dict[str, object]:
    figures = found.figures
    return {
        "well": not found.reasons,
        **to_json(found, only=("reasons", "remarks", "last_mail_at")),
        "inbox": figures.inbox,
        "outbox": figures.outbox,
        "oldest_waiting_seconds": {place: figures.oldest.get(place) for place in ("inbox", "outbox")},
        "overdue_deadlines": figures.overdue_deadlines,
        "open_incidents": figures.incidents,
        "parked_deadlines": found.parked_deadlines,
        "store": {"where": found.store, "free_bytes": found.free},
        "relay": {
            "address": found.relay,
            "reachable": not found.relay_trouble,
            "trouble": found.relay_trouble or None,
        },
        "daemons": [
            {
                **to_json(
                    node, only=NODE, rename={"silent_for": "heartbeat_seconds", "reload_error": "trouble"}
                ),
                "alive": is_alive(node),
            }
            for node in found.nodes
        ],
    }


def _print(found: Status, zone: str) -> None:
    figures, last = found.figures, found.last_mail_at
    ago = f"{format_time(last, zone)} ({format_duration(now() - last)} ago)" if last else "none yet"
    free = f", {format_size(found.free)} free" if found.free is not None else ""
    facts = [
        *((f"daemon on {node.host}", _node_text(node)) for node in found.nodes),
        ("last mail", ago),
        ("inbox", _counts_text(figures.inbox, figures.oldest.get("inbox"))),
        ("outbox", _counts_text(figures.outbox, figures.oldest.get("outbox"))),
        ("overdue deadlines", str(figures.overdue_deadlines)),
        *((("open incidents", str(figures.incidents)),) if figures.incidents else ()),
        ("store", f"{found.store}{free}"),
        ("relay", f"{found.relay}, {found.relay_trouble or 'reachable'}"),
    ]
    print_facts(facts)
    for remark in found.remarks:
        echo(f"note: {remark}", fg="yellow")
    for reason in found.reasons:
        echo(f"NOT WELL: {reason}", fg="red")
    if not found.reasons:
        echo("Mail is flowing.", fg="green")


def _node_text(node: queries.NodeStatus) -> str:
    heartbeat = format_duration(node.silent_for)
    state = f"alive, heartbeat {heartbeat} ago" if is_alive(node) else f"silent for {heartbeat}"
    return f"{state}, process {node.pid}, policy {node.policy}, {' '.join(node.roles)}"


def _counts_text(states: Mapping[str, int], oldest: timedelta | None) -> str:
    counts = ", ".join(f"{count} {state}" for state, count in states.items() if count) or "empty"
    return f"{counts}; the oldest waits {format_duration(oldest)}" if oldest else counts
