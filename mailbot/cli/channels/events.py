"""`mailbot channels event`, `retry` and `drop`: what providers sent and could not be read."""

from collections.abc import Sequence
from typing import Final

import click

from mailbot.cli.shared.complete_stored import complete_mail_id
from mailbot.cli.shared.open_store import fail, open_store
from mailbot.cli.shared.options import because_option, standard_options
from mailbot.cli.shared.output import clean, echo, print_block, print_facts, print_json
from mailbot.cli.shared.rows import act, write_raw_mail
from mailbot.operations import daemons
from mailbot.store.channels.overview import content_of, find_event
from mailbot.views.formats import format_size, format_time
from mailbot.views.json_form import to_json

SHOWN: Final = 4_000  # characters of a content

ids_argument = click.argument(
    "ids",
    metavar="EVENT...",
    type=click.IntRange(1),
    nargs=-1,
    required=True,
    shell_complete=complete_mail_id,
)


@click.command()
@click.argument("event_id", metavar="EVENT", type=click.IntRange(1), shell_complete=complete_mail_id)
@click.option("--raw", is_flag=True, help="Write it to standard output, byte for byte.")
@standard_options
def event(event_id: int, raw: bool, in_json: bool) -> None:
    """Show what a provider sent, as it came, and what became of it."""
    with open_store() as opened:
        found = opened.store.read_now(find_event, event_id) or fail(f"there is no event {event_id}")
        content = opened.store.read_now(content_of, event_id) or b""
        zone = opened.zone()
    text = content.decode("utf-8", "replace")
    if raw:
        write_raw_mail(content, f"event {event_id} has no content")
    elif in_json:
        print_json({**to_json(found), "content": text})
    else:
        echo(f"event {found.id}  {found.state}", fg="red" if found.state == "parked" else None)
        print_facts(
            [
                ("why", clean(found.reason or "")),
                ("channel", found.channel),
                ("their id", clean(found.external_id)),
                ("received", format_time(found.received_at, zone)),
                ("attempts", str(found.attempts or "")),
                ("read next", format_time(found.due_at, zone) if found.state == "new" else ""),
                ("became", f"mail {found.inbox_id} of `mailbot inbox`" if found.inbox_id else ""),
                ("size", format_size(found.size)),
            ]
        )
        print_block(text, SHOWN)


@click.command()
@ids_argument
@standard_options
def retry(ids: tuple[int, ...], in_json: bool) -> None:
    """Read parked events again. The daemon takes them within a second."""
    _act_on(ids, "retry_event", "", "is read again", in_json)


@click.command()
@ids_argument
@because_option
@standard_options
def drop(ids: tuple[int, ...], because: str, in_json: bool) -> None:
    """Give parked events up: no ticket gets them. What was sent is kept for 30 days."""
    _act_on(ids, "drop_event", clean(because, 300), "is dropped", in_json)


def _act_on(ids: Sequence[int], what: str, because: str, success: str, in_json: bool) -> None:
    """Act on events, and print what became of each. Exit 1 where one is not parked."""
    chosen = dict.fromkeys(ids)
    with open_store() as opened:
        done = {event_id: act(opened, what, event_id, because) for event_id in chosen}
        daemons.wake(opened.store)
    if in_json:
        print_json([{"id": event_id, "done": changed} for event_id, changed in done.items()])
    for event_id, changed in done.items():
        if changed and not in_json:
            echo(f"event {event_id} {success}")
    if others := [str(event_id) for event_id, changed in done.items() if not changed]:
        fail(f"not parked: {', '.join(others)}. `mailbot channels event ID` shows how it stands")
