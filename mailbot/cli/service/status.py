"""`mailbot status`: is mail flowing, and if not, why not."""

import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn, TypeVar

import click

from mailbot.channels.smtp.certificate import certificate_end
from mailbot.cli.service.run import ROLES
from mailbot.cli.shared.daemons import is_alive, processes_of
from mailbot.cli.shared.open_store import (
    OpenStore,
    display_url,
    fail,
    find_store_url,
    missing_store_reason,
    now,
    open_store,
)
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import clean, echo, print_facts, print_json
from mailbot.config.api import Relay, Settings
from mailbot.domain.model import OutboxState
from mailbot.errors import StoreUnavailable
from mailbot.store import queries
from mailbot.store.engine import is_sqlite, sqlite_path
from mailbot.store.lists import open_requests
from mailbot.store.retention import last_run
from mailbot.store.retention.rules import rules_of
from mailbot.store.search import index
from mailbot.store.service import imap_folders
from mailbot.store.service.imap_folders import Folder
from mailbot.store.service.probe import check_writable
from mailbot.store.store import Store
from mailbot.views.formats import format_duration, format_size, format_time
from mailbot.views.json_form import to_json
from mailbot.workers.health import troubles
from mailbot.workers.health.troubles import Code, Space, Trouble

R = TypeVar("R")

PATIENCE = 2.0  # seconds for the relay to answer
STORE_PATIENCE = timedelta(seconds=5)  # for each statement
LONGEST = 20.0  # seconds for all of it: a file system that hangs is interrupted by nothing else
BEHIND = 1_000  # messages that wait for the index of `ticket search`: worth a word
REMARKS = (Code.OLD_SQLITE, Code.CERTIFICATE)


@dataclass(frozen=True, slots=True)
class Status:
    """All that `status` shows. `reasons`: why mail does not flow; empty when it does."""

    reasons: Sequence[str]
    remarks: Sequence[str]
    store: str
    probe_seconds: float | None  # how long the store took for a write; None: it took none
    space: Space  # left where a SQLite store is
    relay: str
    relay_trouble: str
    figures: queries.StoreStatus
    last_mail_at: datetime | None
    nodes: Sequence[queries.NodeStatus]


@click.command()
@standard_options
def status(in_json: bool) -> None:
    """Show whether mail is flowing. Exit 1 when it is not, with each reason on a line.

    It checks the last mail, the oldest waiting one, parked mail, overdue deadlines, store, disk, relay and daemon.
    """
    url = find_store_url()
    if reason := missing_store_reason(url):
        _fail_without_store(url, reason, in_json)
    try:
        found, zone = _within(LONGEST, _open_and_read)
    except StoreUnavailable as error:
        _fail_without_store(url, f"the store can't be used: {error}", in_json)
    if in_json:
        print_json(_status_json(found))
    else:
        _print(found, zone)
    if found.reasons:
        raise click.exceptions.Exit(1)


def _within(seconds: float, read: Callable[[], R]) -> R:
    """Read on a thread that is left behind when it hangs. Raises StoreUnavailable then."""
    result: Future[R] = Future()
    context = click.get_current_context()

    def run() -> None:
        try:
            with context.scope(cleanup=False):
                result.set_result(read())
        except BaseException as error:  # it belongs to the caller
            result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return result.result(seconds)
    except TimeoutError as error:
        raise StoreUnavailable(f"it gave no answer within {seconds:.0f} s") from error


def _fail_without_store(url: str, reason: str, in_json: bool) -> NoReturn:
    if in_json:
        print_json({"well": False, "reasons": [reason], "store": display_url(url)})
        raise click.exceptions.Exit(1)
    fail(reason)


def _open_and_read() -> tuple[Status, str]:
    with open_store(STORE_PATIENCE) as opened:
        return _read(opened), opened.zone()


def _read(opened: OpenStore) -> Status:
    read, settings = opened.store.read_now, opened.settings
    probe_seconds, store_trouble = _try_write(opened.store)
    figures, nodes = read(queries.store_status, now()), read(queries.list_nodes)
    relay, relay_trouble = f"{settings.relay.host}:{settings.relay.port}", _connect(settings.relay)
    space, folders = _read_space(settings), _read_folders(opened)
    found = [
        *([Trouble(Code.STORE_SILENT, store_trouble)] if store_trouble else []),
        *filter(None, [troubles.full_disk(space, settings.limits.space_needed)]),
        *troubles.of_store(figures),
        *filter(None, [troubles.old_sqlite() if opened.store.sqlite else None]),
        *filter(None, [_ending_certificate(settings)]),
    ]
    reasons = [
        *([] if store_trouble and nodes else _missing_roles(nodes, settings)),
        *(f"{name}: {trouble}" for name, trouble, _ in folders if trouble),
        *(trouble.text for trouble in found if trouble.code not in REMARKS),
        *([f"the relay {relay} can't be reached: {relay_trouble}"] if relay_trouble else []),
        *(
            f"the daemon on {clean(node.host)}: {clean(text)}"
            for node in nodes
            for text in _troubles_of(node)
        ),
    ]
    remarks = [trouble.text for trouble in found if trouble.code in REMARKS]
    return Status(
        reasons=reasons,
        remarks=[
            *_remarks(opened, nodes, figures),
            *_unread_mail(folders),
            *_retention(opened, nodes),
            *remarks,
        ],
        store=display_url(settings.store),
        probe_seconds=probe_seconds,
        space=space,
        relay=relay,
        relay_trouble=relay_trouble,
        figures=figures,
        last_mail_at=read(queries.last_mail_at),
        nodes=nodes,
    )


def _try_write(store: Store) -> tuple[float | None, str]:
    """Return how long the store takes for a write, and why it takes none."""
    began = time.monotonic()
    try:
        store.write_now(check_writable, None)
    except StoreUnavailable as error:
        trouble = troubles.silent_store(0, clean(str(error)))
        return None, trouble.text if trouble else ""
    return time.monotonic() - began, ""


def _troubles_of(node: queries.NodeStatus) -> Sequence[str]:
    return node.troubles if is_alive(node) else ()


def _ending_certificate(settings: Settings) -> Trouble | None:
    return troubles.ending_certificate(certificate_end(settings.listen.certificate), now())


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


def _read_space(settings: Settings) -> Space:
    local = is_sqlite(settings.store)
    return troubles.read_space(Path(sqlite_path(settings.store)).resolve().parent if local else None)


def _missing_roles(nodes: Sequence[queries.NodeStatus], settings: Settings) -> list[str]:
    living = [node for node in nodes if is_alive(node)]
    if not living:
        return ["no daemon runs on this store: `systemctl start mailbot` or `mailbot run`"]
    present = {role for node in living for role in node.roles}
    unused = {"imap": not settings.imap, "console": settings.console is None}
    needed = [role for role in ROLES if not unused.get(role)]
    return [f"no daemon does {role}" for role in needed if role not in present]


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
    if asked := opened.store.read_now(open_requests.moments):
        oldest = format_duration(now() - asked[0])
        found.append(
            f"{len(asked)} requests for compensation wait for a decision, the oldest for {oldest}: "
            "`mailbot compensation list --open`"
        )
    if (behind := opened.store.read_now(index.waiting)) >= BEHIND:
        found.append(f"{behind:,} messages are not in the index of `mailbot ticket search` yet")
    if failed := figures.outbox.get(OutboxState.FAILED, 0):
        found.append(f"{failed} mails could not be delivered: `mailbot outbox list --state failed`")
    return found


NODE = (
    *("id", "host", "pid", "roles", "started_at"),
    *("silent_for", "policy", "reloaded_at", "reload_error", "troubles"),
)


LATE_RETENTION = timedelta(hours=6)  # a first run may delete years of mail


def _retention(opened: OpenStore, nodes: Sequence[queries.NodeStatus]) -> list[str]:
    """Remark when no run ended for hours though something is to be deleted."""
    at, newest = now(), opened.store.read_now(last_run.load)
    began = min((node.started_at for node in nodes if is_alive(node)), default=at)
    since = max(newest.ended_at, began) if newest else began
    if not rules_of(opened.policy, at).deletes or at - since < LATE_RETENTION:
        return []
    ended = f"ended {format_duration(at - newest.ended_at)} ago" if newest else "has not ended yet"
    return [f"the last run of retention {ended}: `mailbot retention`, and the log names what failed"]


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
        "parked_deadlines": figures.parked_deadlines,
        "stuck_rows": {place: figures.stuck.get(place, 0) for place in ("inbox", "outbox")},
        "store": {
            "where": found.store,
            "free_bytes": found.space.free,
            "free_inodes": found.space.inodes,
            "probe_seconds": found.probe_seconds,
        },
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
                "processes": processes_of(node),
            }
            for node in found.nodes
        ],
    }


def _print(found: Status, zone: str) -> None:
    figures, last = found.figures, found.last_mail_at
    ago = f"{format_time(last, zone)} ({format_duration(now() - last)} ago)" if last else "none yet"
    free = f", {format_size(found.space.free)} free" if found.space.free is not None else ""
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
        echo(f"note: {remark}")
    for reason in found.reasons:
        echo(f"NOT WELL: {reason}", fg="red")
    if not found.reasons:
        echo("Mail is flowing.")


def _node_text(node: queries.NodeStatus) -> str:
    heartbeat = format_duration(node.silent_for)
    state = f"alive, heartbeat {heartbeat} ago" if is_alive(node) else f"silent for {heartbeat}"
    processes = " ".join(f"{name} {pid}" for name, pid in processes_of(node).items())
    named = f"processes {processes}" if processes else f"process {node.pid}"
    return f"{state}, {named}, policy {node.policy}, {' '.join(node.roles)}"


def _counts_text(states: Mapping[str, int], oldest: timedelta | None) -> str:
    counts = ", ".join(f"{count} {state}" for state, count in states.items() if count) or "empty"
    return f"{counts}; the oldest waits {format_duration(oldest)}" if oldest else counts
