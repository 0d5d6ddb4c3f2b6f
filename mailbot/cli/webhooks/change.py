"""`mailbot webhooks replay, disable, enable`: what operators change about a webhook. The daemon follows in seconds."""

from typing import NoReturn

import click
from sqlalchemy import Connection

from mailbot.cli.shared.open_store import OpenStore, fail, now, open_store
from mailbot.cli.shared.options import parse_time, standard_options
from mailbot.cli.shared.output import clean, echo, print_json
from mailbot.cli.shared.ticket_lookup import suggest_name
from mailbot.store.schema import event_feed
from mailbot.store.webhooks import feed, states
from mailbot.store.webhooks.states import Change


@click.command("disable")
@click.argument("name")
@standard_options
def disable(name: str, in_json: bool) -> None:
    """Send nothing more to NAME until it is enabled. What happens meanwhile waits, for 30 days."""
    from mailbot.operations.ticket_commands import operator  # slow to load

    with open_store() as opened:
        done = opened.store.write_now(states.disable, Change(name, now(), str(operator())))
        if not done:
            _fail_unknown(opened, name, "is disabled already")
    _say(name, "is disabled; `mailbot webhooks enable` lets it go on where it stopped", in_json)


@click.command("enable")
@click.argument("name")
@standard_options
def enable(name: str, in_json: bool) -> None:
    """Let NAME go on where it stopped, at once: after it was disabled, or while it waits after a failure."""
    with open_store() as opened:
        if not opened.store.write_now(states.enable, Change(name, now())):
            _fail_unknown(opened, name, "is neither disabled nor waiting after a failure")
    _say(name, "goes on now", in_json)


@click.command("replay")
@click.argument("name")
@click.option("--since", metavar="TIME", help="All events since then: 2d, 2026-11-23, 2026-11-23T10:30.")
@click.option(
    "--from",
    "first",
    type=click.IntRange(1),
    metavar="EVENT",
    help="From this event on, also to skip others.",
)
@standard_options
def replay(name: str, since: str | None, first: int | None, in_json: bool) -> None:
    """Send events to NAME again, in their order and under the ids that they had: they are kept for 30 days.

    EVENT is the number in `mailbot webhooks list NAME`. A later one than the next skips what lies between.
    """
    if (since is None) == (first is None):
        raise click.UsageError("give either --since or --from")
    with open_store() as opened:
        at = now()
        since_at = parse_time(since, at, opened.zone()) if since is not None else None
        chosen = event_feed.c.at >= since_at if since_at else event_feed.c.id >= first
        place = opened.store.read_now(feed.place_before, chosen)
        if place is None:
            fail("there is no such event in the feed: it has those of the last 30 days")
        if not opened.store.write_now(states.move, Change(name, at, place=place)):
            _fail_unknown(opened, name, "")
        waiting = opened.store.read_now(_count, name)
    _say(
        name,
        f"gets {waiting} events, the first of them number {place.position + 1} or later",
        in_json,
        waiting,
    )


def _count(connection: Connection, name: str) -> int:
    found = states.load(connection, name)
    return feed.count_after(connection, found.place) if found else 0


def _fail_unknown(opened: OpenStore, name: str, otherwise: str) -> NoReturn:
    """Exit 1 because there is no such webhook, or because of its state."""
    known = [each.name for each in opened.store.read_now(states.list_all)]
    if name in known:
        fail(f"{clean(name)} {otherwise}")
    configured = [each.name for each in opened.settings.webhooks]
    if name in configured:
        fail(f"the daemon has not started with the webhook {clean(name)} yet: restart it")
    fail(f"no webhook is named {clean(name)}{suggest_name(name, [*known, *configured])}")


def _say(name: str, what: str, in_json: bool, waiting: int | None = None) -> None:
    if in_json:
        print_json({"name": name, "done": True, **({} if waiting is None else {"waiting": waiting})})
    else:
        echo(f"{clean(name)} {what}")
