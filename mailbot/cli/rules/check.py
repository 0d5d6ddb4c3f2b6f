"""`mailbot rules check`: what can be proven about the policy before any mail has come."""

import time
from collections.abc import Sequence
from pathlib import Path

import click

from mailbot.analysis.lint import checks
from mailbot.analysis.lint.checks import Budget, Finding
from mailbot.cli.shared.open_store import load_configuration, now
from mailbot.cli.shared.options import config_directory, config_option, json_option

STEPS = 1_000_000_000  # time is what ends the search here
EACH = 2_000_000


@click.command("check")
@click.option("--all", "every", is_flag=True, help="Name every pair of rules whose order alone decides, too.")
@click.option(
    "--witnesses",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the example mails here, for `mailbot explain`.",
)
@click.option(
    "--seconds",
    metavar="N",
    type=click.IntRange(1),
    default=60,
    show_default=True,
    help="What is not proven by then is not decided.",
)
@config_option
@json_option
@click.pass_context
def check(ctx: click.Context, every: bool, folder: Path | None, seconds: int, in_json: bool) -> None:
    """Rules that never match and what shadows them, conditions that exclude each other, actions and values
    without effect, rules that fight, an example of what no rule catches; steps of ladders without effect,
    ladders that lead in a circle or to a dead end, hours and dates on which nobody is on duty while clocks
    run, amounts that nobody may approve. Each with a mail, and the moment or the amount, that shows it.

    Exit 1 when there is a fault; remarks, notes and what is not decided exit 0."""
    from mailbot.cli.rules import check_text
    from mailbot.operations.finding_locations import locate

    loaded = load_configuration()
    ends = time.monotonic() + seconds
    budget = Budget(STEPS, EACH, lambda: time.monotonic() > ends)
    found = checks.check(loaded.policy, budget, _checks(every=every), now().date())
    places = locate(found, loaded.sources, config_directory(ctx))
    files = _written(found, folder) if folder else [""] * len(found)
    told = [check_text.Told(*each) for each in zip(found, places, files, strict=True)]
    if in_json:
        check_text.as_object(told, loaded.policy)
    else:
        check_text.show(told, loaded.policy)
    if checks.faults(found):
        ctx.exit(1)


def _checks(*, every: bool) -> checks.Checks:
    return (*checks.CHECKS, checks.all_pairs) if every else checks.CHECKS


def _written(found: Sequence[Finding], folder: Path) -> list[str]:
    """The example of each finding as a mail in `folder`, "" for those without one."""
    from mailbot.mail.compose.sample_mail import write_example

    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for number, each in enumerate(found, 1):
        mail = each.witness.mail if each.witness else None
        path = folder / f"{number:03d}-{each.kind}.eml"
        if mail:
            path.write_bytes(write_example(mail))
        names.append(str(path) if mail else "")
    return names
