"""`mailbot console sessions`: who is logged in."""

import click

from mailbot.cli.shared.completion import complete_agent
from mailbot.cli.shared.open_store import fail, now, open_store
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import clean, echo, print_json, print_table
from mailbot.store.console import sessions as stored
from mailbot.views.formats import format_time

SHOWN = ("address", "way", "created_at", "seen_at", "ends_at")


@click.command("sessions")
@click.option(
    "--end", metavar="ADDRESS", shell_complete=complete_agent, help="Log this person out everywhere."
)
@standard_options
def sessions(end: str | None, in_json: bool) -> None:
    """Show who is logged in to the console, the one seen last first."""
    if end is not None:
        _end(end.strip().lower(), in_json)
        return
    with open_store() as opened:
        zone, found = opened.zone(), opened.store.read_now(stored.list_of, "", now())
    if in_json:
        print_json(found, only=SHOWN)
        return
    rows = [
        (each.address, each.way, *(format_time(at, zone) for at in (each.created_at, each.seen_at)))
        for each in found
    ]
    print_table(("address", "by", "since", "last seen"), rows, empty="Nobody is logged in.")


def _end(address: str, in_json: bool) -> None:
    with open_store() as opened:
        ended = opened.store.write_now(stored.end_of_address, address)
    if in_json:
        print_json({"address": address, "ended": ended})
    if not ended:
        fail(f"{clean(address)} is not logged in")
    if not in_json:
        echo(f"{clean(address)} is logged out: {ended} session{'s' * (ended != 1)} ended")
