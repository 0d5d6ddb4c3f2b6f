"""`mailbot console link`: a link that logs a person in."""

import click

from mailbot.cli.shared.completion import complete_agent
from mailbot.cli.shared.open_store import fail, now, open_store
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import clean, echo, print_json
from mailbot.operations import log_in
from mailbot.store.console.log_ins import LASTS
from mailbot.views.formats import format_duration


@click.command("link")
@click.argument("address", shell_complete=complete_agent)
@standard_options
def link(address: str, in_json: bool) -> None:
    """Make a link that logs in ADDRESS, an agent or an admin, and print it.

    It works once, for ten minutes, in any browser. Whoever has it gets in: hand it over in person.
    """
    with open_store() as opened:
        console = opened.settings.console
        if console is None:
            fail("the console is off\nset `console: 127.0.0.1:8025` in mailbot.yaml and restart the daemon")
        made = log_in.make_link(opened.store, opened.policy, address, console.url, now())
    if made is None:
        fail(f"{clean(address)} is neither an agent nor an admin of this policy")
    if in_json:
        print_json(made)
        return
    echo(made.url)
    echo(f"logs in {clean(made.address)} once, within {format_duration(LASTS)}, in any browser")
