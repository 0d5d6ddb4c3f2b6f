"""`mailbot cause`: why matters come about, and what was done about it."""

from datetime import datetime
from typing import Any

import click

from mailbot.cli.shared.open_store import OpenStore, fail, now, open_store
from mailbot.cli.shared.options import config_option, parse_time, standard_options
from mailbot.cli.shared.output import clean, echo, print_json, print_table
from mailbot.domain.closing.causes import find_cause, nearest_causes
from mailbot.domain.labels import label
from mailbot.store.service import cause_actions
from mailbot.store.service.cause_actions import CauseAction
from mailbot.views.formats import format_time

LONGEST = 500  # characters of an action


@click.group("cause")
@config_option
def cause() -> None:
    """List why matters come about, and record what was done about it. Causes stand in routing.yaml."""


@cause.command("list")
@standard_options
def list_(in_json: bool) -> None:
    """List the causes with the tickets closed by each, and what was done about them."""
    with open_store() as opened:
        zone = opened.zone()
        counts = opened.store.read_now(cause_actions.counts)
        done = opened.store.read_now(cause_actions.actions, now())
        rows = [_row(opened, name, counts, done) for name in dict.fromkeys((*opened.policy.causes, *counts))]
    if in_json:
        print_json(rows)
        return
    cells = [
        (
            row["cause"],
            row["label"],
            row["category"] or "any",
            str(row["tickets"]),
            "; ".join(f"{format_time(each['at'], zone)} {each['text']}" for each in row["actions"]),
        )
        for row in rows
    ]
    empty = "There are no causes: list them in routing.yaml (`causes`)."
    print_table(("cause", "label", "category", "tickets", "what was done"), cells, empty=empty)


def _row(opened: OpenStore, name: str, counts: dict[str, int], done: list[CauseAction]) -> dict[str, Any]:
    known = opened.policy.causes.get(name)
    return {
        "cause": name,
        "label": label(opened.policy, "cause", name, "en"),
        "category": known.category if known else "",
        "silent": bool(known and known.silent),
        "tickets": counts.get(name, 0),
        "actions": [{"at": each.at, "by": each.by, "text": each.text} for each in done if each.cause == name],
    }


@cause.command()
@click.argument("name", metavar="CAUSE")
@click.argument("text", metavar="WHAT", nargs=-1, required=True)
@click.option(
    "--on",
    "when",
    metavar="WHEN",
    help="When it was done: 2026-11-20, or 3d for three days ago. Default: now.",
)
@standard_options
def act(name: str, text: tuple[str, ...], when: str | None, in_json: bool) -> None:
    """Record that WHAT was done about CAUSE. `mailbot report` shows the tickets before and after."""
    from mailbot.operations.ticket_commands import operator

    done = clean(" ".join(text), LONGEST)
    with open_store(decides=True) as opened:
        action = CauseAction(_known(opened, name), _moment(opened, when), str(operator()), done)
        opened.store.write_now(cause_actions.add, action)
        zone = opened.zone()
    if in_json:
        print_json({"cause": action.cause, "at": action.at, "by": action.by, "text": action.text})
    else:
        echo(f"{action.cause}: {action.text} ({format_time(action.at, zone)})")


def _known(opened: OpenStore, name: str) -> str:
    found = find_cause(name, opened.policy)
    if found is None:
        fail(
            f"there is no cause '{clean(name, 60)}'; nearest: {', '.join(nearest_causes(name, opened.policy))}"
        )
    return found.name


def _moment(opened: OpenStore, when: str | None) -> datetime:
    at = parse_time(when, now(), opened.zone()) if when else now()
    if at > now():
        raise click.BadParameter("that lies ahead", param_hint="--on")
    return at
