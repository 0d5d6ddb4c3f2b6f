"""`mailbot rules misses`: what the rules got wrong by the word of people, and what would mend it."""

import click

from mailbot.cli.shared.json_form import print_json
from mailbot.cli.shared.open_store import now, open_store
from mailbot.cli.shared.options import parse_time, standard_options


@click.command("misses")
@click.option(
    "--since",
    metavar="WHEN",
    default="30d",
    show_default=True,
    help="Tickets opened since then: 30d, 12h, 2026-11-01.",
)
@click.option("--all", "everything", is_flag=True, help="Name every ticket.")
@standard_options
def misses(since: str, everything: bool, in_json: bool) -> None:
    """Show which mails the rules put in the wrong place, by what people corrected, and what would mend it.

    A correction is a new category or priority that a person sets, or a hand-over before anybody has worked on the
    ticket. What the rules in the files decide right by now is left out. Each proposal is tried on the mail of the
    whole period: it names what it catches and what it would move besides.
    """
    from mailbot.analysis.misses.find import find_misses
    from mailbot.cli.rules import misses_text
    from mailbot.cli.shared.progress import progress

    with open_store(decides=True) as opened:
        zone, policy = opened.zone(), opened.with_rules()
        begin = parse_time(since, now(), zone)
        found = find_misses(opened.store, begin, policy, progress)
    if in_json:
        print_json(misses_text.as_json(found, begin, policy))
    else:
        misses_text.print_misses(found, begin, policy, zone, everything=everything)
