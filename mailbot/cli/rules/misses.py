"""`mailbot rules misses`: what the rules got wrong by the word of people, and what would mend it."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailbot.cli.shared.config_place import config_directory
from mailbot.cli.shared.open_store import fail, load_configuration, now, open_store
from mailbot.cli.shared.options import parse_time, standard_options
from mailbot.cli.shared.output import clean, print_json

if TYPE_CHECKING:  # --help must not load what decides
    from mailbot.analysis.misses.find import Misses
    from mailbot.config.model import Loaded
    from mailbot.operations.miss_tests import Added


@click.command("misses")
@click.option(
    "--since",
    metavar="WHEN",
    default="30d",
    show_default=True,
    help="Tickets opened since then: 30d, 12h, 2026-11-01.",
)
@click.option("--all", "everything", is_flag=True, help="Name every ticket.")
@click.option(
    "--add-tests",
    is_flag=True,
    help="Write the mails as tests into routing.yaml, without addresses, phone and order numbers.",
)
@standard_options
@click.pass_context
def misses(ctx: click.Context, since: str, everything: bool, add_tests: bool, in_json: bool) -> None:
    """Show which mails the rules put in the wrong place, by what people corrected, and what would mend it.

    A correction is a new category or priority that a person sets, or a hand-over before anybody has worked on the
    ticket. What the rules in the files decide right by now is left out. Each proposal is tried on the mail of the
    whole period: it names what it catches and what it would move besides.
    """
    from mailbot.analysis.misses.find import find_misses
    from mailbot.cli.rules import misses_text
    from mailbot.cli.shared.progress import progress
    from mailbot.operations.miss_tests import broken_tests

    loaded, directory = load_configuration(), config_directory(ctx)
    policy = loaded.policy
    with open_store(decides=True) as opened:
        zone = opened.zone()
        begin = parse_time(since, now(), zone)
        breaks = partial(broken_tests, loaded, directory)
        found = find_misses(opened.store, begin, policy, progress, breaks)
    added = _add_tests(found, loaded, directory) if add_tests else None
    if in_json:
        print_json({**misses_text.as_json(found, begin, policy), "tests": added})
        return
    misses_text.print_misses(found, begin, policy, zone, everything=everything)
    if found.groups:
        misses_text.print_added(added, directory)


def _add_tests(found: "Misses", loaded: "Loaded", directory: Path) -> "Added":
    from mailbot.operations.miss_tests import add_tests
    from mailbot.operations.validate_policy import ROUTING

    path = clean(directory / ROUTING)
    try:
        return add_tests(found, loaded, directory)
    except OSError as error:
        fail(f"{path} can't be written: {error.strerror}")
    except ValueError as error:
        fail(f"{path}: {error}")
