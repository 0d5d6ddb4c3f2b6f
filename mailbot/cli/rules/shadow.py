"""`mailbot rules shadow`: what the shadow policy would have decided differently."""

import click

from mailbot.cli.rules import diff_text
from mailbot.cli.shared.open_store import fail, open_store
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import clean, echo, print_json, print_title
from mailbot.store.service import shadows
from mailbot.store.service.shadows import ShadowRun
from mailbot.views.formats import format_short_time


@click.command()
@click.argument("version", required=False)
@diff_text.tickets_options
@standard_options
def shadow(version: str | None, limit: int, everything: bool, in_json: bool) -> None:
    """Show what the shadow policy would have decided differently, and how often it agreed.

    VERSION: an earlier shadow policy. Default: the newest. `shadow: DIR` in mailbot.yaml sets one up.
    """
    with open_store() as opened:
        runs = opened.store.read_now(shadows.runs)
        if not runs:
            fail("no shadow policy has run yet: `shadow: DIR` in mailbot.yaml, then `mailbot reload`")
        chosen = version or runs[0].shadow
        runs = [run for run in runs if run.shadow == chosen]
        if not runs:
            fail(f"no shadow policy of version {clean(chosen)} has run")
        changes, zone = opened.store.read_now(shadows.differences, chosen), opened.zone()
        policy = opened.policy
    if in_json:
        print_json({"shadow": chosen, "runs": runs, **diff_text.changes_json(changes)})
        return
    print_title(f"shadow policy {clean(chosen)}")
    for run in runs:
        _print_run(run, zone)
    diff_text.print_counts(changes, sum(run.agreed + run.differed for run in runs))
    diff_text.print_changes(changes, policy, zone, None if everything else limit)


def _print_run(run: ShadowRun, zone: str) -> None:
    period = f"{format_short_time(run.first_at, zone)} to {format_short_time(run.last_at, zone)}"
    echo(f"  beside {clean(run.live)}, {period}: agreed on {run.agreed:,}, differed on {run.differed:,}")
    if run.missed:
        echo(f"    {run.missed:,} more were skipped: they came too fast")
