"""`mailbot rules shadow`: what the policy that only looks on would have done otherwise."""

import click

from mailbot.cli.rules import diff_text
from mailbot.cli.shared.open_store import fail, open_store
from mailbot.cli.shared.options import config_option, json_option
from mailbot.cli.shared.output import clean, echo, format_short_time, print_json, print_title
from mailbot.domain.policy_diff import Change, moves
from mailbot.store import shadows
from mailbot.store.shadows import ShadowRun


@click.command()
@click.argument("version", required=False)
@diff_text.limit_option
@config_option
@json_option
def shadow(version: str | None, limit: int, in_json: bool) -> None:
    """What the policy that only looks on would have done otherwise with each new ticket, and how often it
    agreed. VERSION: an earlier one; else the newest. `shadow: DIR` in mailbot.yaml sets one up."""
    with open_store() as at:
        runs = at.store.read_now(shadows.runs)
        if not runs:
            fail("no policy has looked on yet: `shadow: DIR` in mailbot.yaml, then `mailbot reload`")
        wanted = version or runs[0].shadow
        mine = [run for run in runs if run.shadow == wanted]
        if not mine:
            fail(f"no policy of version {clean(wanted)} has looked on")
        changes, zone = at.store.read_now(shadows.differences, wanted), at.zone()
    if in_json:
        print_json(_shape(wanted, mine, changes))
    else:
        _show(wanted, mine, changes, zone, limit)


def _shape(version: str, runs: list[ShadowRun], changes: list[Change]) -> dict[str, object]:
    return {
        "shadow": version,
        "runs": runs,
        **diff_text.counts(changes),
        "moves": moves(changes),
        "changes": changes,
    }


def _show(version: str, runs: list[ShadowRun], changes: list[Change], zone: str, limit: int) -> None:
    print_title(f"policy {clean(version)} looks on")
    for run in runs:
        span = f"{format_short_time(run.first_at, zone)} to {format_short_time(run.last_at, zone)}"
        echo(f"  beside {clean(run.live)}, {span}: agreed on {run.agreed:,}, differed on {run.differed:,}")
        if run.missed:
            echo(f"    {run.missed:,} more came too fast to be looked at", dim=True)
    diff_text.tell_counts(changes)
    diff_text.tell_changes(changes, zone, limit)
