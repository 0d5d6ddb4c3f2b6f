"""`mailbot mute`: addresses that get no automatic mail, since mail to them came back or was unwanted."""

import click

from mailbot.cli.shared.open_store import fail, now, open_store
from mailbot.cli.shared.options import config_option, json_option
from mailbot.cli.shared.output import clean, echo, format_time, on_terminal, print_json, print_table
from mailbot.store import suppressions as store_mutes

LIMIT = 100  # addresses in a list for people
EVERYTHING = 100_000


@click.group()
@config_option
def mute() -> None:
    """Addresses that get no automatic mail: list, lift. What agents write still goes there."""


@mute.command("list")
@click.option("--limit", type=click.IntRange(1, EVERYTHING), help=f"At most so many; {LIMIT} for people.")
@config_option
@json_option
def list_(limit: int | None, in_json: bool) -> None:
    """Muted addresses, the newest first."""
    most = limit or (EVERYTHING if in_json else LIMIT)
    with open_store() as at:
        zone = at.zone()
        found = at.store.read_now(store_mutes.list_active, now(), most)
    if in_json:
        names = ("address", "kind", "reason", "since", "until")
        print_json([{name: getattr(each, name) for name in names} for each in found])
        return
    rows = [
        (
            each.address,
            each.kind,
            each.reason,
            format_time(each.since, zone),
            format_time(each.until, zone) or "it is lifted",
        )
        for each in found
    ]
    print_table(("address", "why", "status", "since", "until"), rows, empty="No address is muted.")
    if len(found) == most and on_terminal():
        echo(f"The newest {most}; --limit shows more.", dim=True)


@mute.command()
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@config_option
@json_option
def lift(addresses: tuple[str, ...], in_json: bool) -> None:
    """Let automatic mail go to ADDRESS again."""
    wanted = tuple(dict.fromkeys(address.strip().lower() for address in addresses))
    with open_store() as at:
        done = {each: at.store.write_now(store_mutes.remove, each) for each in wanted}
    if in_json:
        print_json([{"address": each, "done": was} for each, was in done.items()])
    for each, was in done.items():
        if was and not in_json:
            echo(f"{clean(each)} gets automatic mail again")
    missing = [clean(each) for each, was in done.items() if not was]
    if missing:
        fail(f"not muted: {', '.join(missing)}")
