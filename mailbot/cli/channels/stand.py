"""`mailbot channels list` and `show`: how the channels beside mail stand."""

from collections.abc import Mapping
from typing import Any

import click

from mailbot.cli.shared import options
from mailbot.cli.shared.open_store import fail, now, open_store
from mailbot.cli.shared.options import limit_option, standard_options
from mailbot.cli.shared.output import clean, echo, print_facts, print_json, print_table
from mailbot.store.channels.overview import ChannelStatus, EventEntry, channel_statuses, list_events
from mailbot.views.formats import format_duration, format_short_time, format_time
from mailbot.views.json_form import to_json

UNUSED = "not set up"
EVENT_HEADS = ("id", "state", "received", "their id", "attempts", "reason")


@click.command("list")
@standard_options
def list_(in_json: bool) -> None:
    """List the channels that are set up, and those that once were and left something."""
    with open_store() as opened:
        boxes = opened.settings.channels.mailboxes
        found = _all(opened.store.read_now(channel_statuses), boxes)
    if in_json:
        print_json([_json(each, boxes) for each in found])
        return
    rows = [
        (
            each.channel,
            each.error or ("well" if each.channel in boxes else UNUSED),
            each.waiting,
            each.parked,
            each.outgoing,
            format_duration(now() - each.oldest_at) if each.oldest_at else "",
            boxes.get(each.channel, ""),
        )
        for each in found
    ]
    heads = ("channel", "why", "waiting", "parked", "outgoing", "oldest", "mailbox")
    print_table(heads, rows, empty="No channel is set up: `mailbot docs channels` shows which there are.")


def _all(known: list[ChannelStatus], boxes: Mapping[str, str]) -> list[ChannelStatus]:
    """Add the channels that are set up and did nothing yet."""
    by_name = {name: ChannelStatus(name) for name in boxes} | {each.channel: each for each in known}
    return [by_name[name] for name in sorted(by_name)]


def _json(status: ChannelStatus, boxes: Mapping[str, str]) -> dict[str, Any]:
    return {**to_json(status), "set_up": status.channel in boxes, "mailbox": boxes.get(status.channel)}


@click.command()
@click.argument("name")
@limit_option
@standard_options
def show(name: str, limit: int | None, in_json: bool) -> None:
    """Show one channel: who works for it, what is wrong, and its events that wait or are parked."""
    rows = options.row_limit(limit, in_json)
    with open_store() as opened:
        boxes = opened.settings.channels.mailboxes
        known = {each.channel: each for each in _all(opened.store.read_now(channel_statuses), boxes)}
        status = known.get(name) or fail(_unknown(name, list(known)))
        waiting = opened.store.read_now(lambda c: list_events(c, channel=name, limit=rows))
        zone = opened.zone()
    if in_json:
        print_json({**_json(status, boxes), "events": to_json(waiting)})
    else:
        _print(status, waiting, boxes.get(name, ""), zone, rows)


def _unknown(name: str, known: list[str]) -> str:
    listed = f"there are {', '.join(known)}" if known else "none is set up"
    return f"there is no channel {clean(name)!r}: {listed}"


def _print(status: ChannelStatus, events: list[EventEntry], mailbox: str, zone: str, limit: int) -> None:
    echo(f"{status.channel}  {status.error or 'well'}", fg="red" if status.error else None)
    held = f"{status.holder} until {format_time(status.held_until, zone)}" if status.holder else "no node"
    print_facts(
        [
            ("mailbox", mailbox or UNUSED),
            ("works for it", held),
            ("position", clean(status.position)),
            ("events", f"{status.waiting} waiting, {status.parked} parked"),
            ("oldest", format_duration(now() - status.oldest_at) if status.oldest_at else ""),
            ("messages of ours", f"{status.outgoing} waiting"),
        ]
    )
    rows = [
        (
            each.id,
            each.state,
            format_short_time(each.received_at, zone),
            each.external_id,
            each.attempts,
            each.reason,
        )
        for each in events
    ]
    print_table(EVENT_HEADS, rows, limit=limit)
    if status.parked:
        echo("`mailbot channels event ID` shows one, `retry ID` reads it again, `drop ID` gives it up.")
