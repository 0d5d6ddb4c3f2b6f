"""`mailbot suppression`: addresses that get no automatic mail, after a bounce or a complaint."""

import click

from mailbot.cli.shared import options
from mailbot.cli.shared.open_store import fail, now, open_store
from mailbot.cli.shared.options import config_option, limit_option, standard_options
from mailbot.cli.shared.output import clean, echo, print_json, print_table
from mailbot.cli.shared.rows import act
from mailbot.store import suppressions
from mailbot.views.formats import format_time


@click.group("suppression")
@config_option
def suppression() -> None:
    """Addresses that get no automatic mail: list, lift. Mail that agents write is still sent there."""


@suppression.command("list")
@limit_option
@standard_options
def list_(limit: int | None, in_json: bool) -> None:
    """List suppressed addresses, the newest first."""
    rows = options.row_limit(limit, in_json)
    with open_store() as opened:
        zone = opened.zone()
        found = opened.store.read_now(suppressions.list_active, now(), rows)
    if in_json:
        print_json(found, only=("address", "kind", "reason", "since", "until"))
        return
    cells = [
        (
            entry.address,
            entry.kind,
            entry.reason,
            format_time(entry.since, zone),
            format_time(entry.until, zone) or "it is lifted",
        )
        for entry in found
    ]
    heads = ("address", "why", "status", "since", "until")
    print_table(heads, cells, empty="No address is suppressed.", limit=rows)


@suppression.command()
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@standard_options
def lift(addresses: tuple[str, ...], in_json: bool) -> None:
    """Send automatic mail to ADDRESS again."""
    chosen = dict.fromkeys(address.strip().lower() for address in addresses)
    with open_store() as opened:
        done = {address: act(opened, "lift", address) for address in chosen}
    if in_json:
        print_json([{"address": address, "done": lifted} for address, lifted in done.items()])
    for address, lifted in done.items():
        if lifted and not in_json:
            echo(f"{clean(address)} gets automatic mail again")
    unknown = [clean(address) for address, lifted in done.items() if not lifted]
    if unknown:
        fail(f"not suppressed: {', '.join(unknown)}")
