"""`mailbot status`: is mail flowing, and if not, why not."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import timedelta
from typing import NoReturn, TypeVar

import click

from mailbot.cli.shared.open_store import (
    fail,
    find_store_url,
    missing_store_reason,
    now,
    open_store,
)
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import echo, print_facts, print_json
from mailbot.errors import StoreUnavailable
from mailbot.operations.daemons import is_alive, processes_of
from mailbot.store import queries
from mailbot.store.engine import display_url
from mailbot.views.formats import format_duration, format_size, format_time
from mailbot.views.json_form import to_json
from mailbot.views.status import Status, read_status

R = TypeVar("R")

STORE_PATIENCE = timedelta(seconds=5)  # for each statement
LONGEST = 20.0  # seconds for all of it: a file system that hangs is interrupted by nothing else


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
        return read_status(opened.store, opened.settings, opened.policy, now()), opened.zone()


NODE = (
    *("id", "host", "pid", "roles", "started_at"),
    *("silent_for", "policy", "reloaded_at", "reload_error", "troubles"),
)


def _status_json(found: Status) -> dict[str, object]:
    figures = found.figures
    return {
        "well": not found.reasons,
        **to_json(found, only=("reasons", "remarks", "last_mail_at")),
        "inbox": figures.inbox,
        "outbox": figures.outbox,
        "channels": figures.channels,
        "oldest_waiting_seconds": {
            place: figures.oldest.get(place) for place in ("inbox", "outbox", "channels")
        },
        "unconfirmed_messages": found.unconfirmed,
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
        "console": {
            "address": found.console,
            "reachable": not found.console_trouble,
            "people": found.people,
        }
        if found.console
        else None,
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
        *_of_channels(found),
        *((("unconfirmed messages", str(found.unconfirmed)),) if found.unconfirmed is not None else ()),
        ("overdue deadlines", str(figures.overdue_deadlines)),
        *((("open incidents", str(figures.incidents)),) if figures.incidents else ()),
        ("store", f"{found.store}{free}"),
        ("relay", f"{found.relay}, {found.relay_trouble or 'reachable'}"),
        *((("console", _console_text(found)),) if found.console else ()),
    ]
    print_facts(facts)
    for remark in found.remarks:
        echo(f"note: {remark}")
    for reason in found.reasons:
        echo(f"NOT WELL: {reason}", fg="red")
    if not found.reasons:
        echo("Mail is flowing.")


def _of_channels(found: Status) -> list[tuple[str, str]]:
    """Return what waits in channels, where there are any."""
    counts = found.figures.channels
    if not (found.channels or any(counts.values())):
        return []
    return [("channels", f"{', '.join(found.channels)}: {_counts_text(counts, None)}")]


def _node_text(node: queries.NodeStatus) -> str:
    heartbeat = format_duration(node.silent_for)
    state = f"alive, heartbeat {heartbeat} ago" if is_alive(node) else f"silent for {heartbeat}"
    processes = " ".join(f"{name} {pid}" for name, pid in processes_of(node).items())
    named = f"processes {processes}" if processes else f"process {node.pid}"
    return f"{state}, {named}, policy {node.policy}, {' '.join(node.roles)}"


def _console_text(found: Status) -> str:
    return f"{found.console}, {found.console_trouble or f'{found.people} logged in'}"


def _counts_text(states: Mapping[str, int], oldest: timedelta | None) -> str:
    counts = ", ".join(f"{count} {state}" for state, count in states.items() if count) or "empty"
    return f"{counts}; the oldest waits {format_duration(oldest)}" if oldest else counts
