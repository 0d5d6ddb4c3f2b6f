"""`mailbot console`: what operators do about the console from a shell, by name."""

import click

from mailbot.cli.shared.command_group import LazyGroup
from mailbot.cli.shared.options import config_option

# command -> (module, help line)
COMMANDS = {
    "link": ("console.link", "Make a link that logs a person in, for one without mail."),
    "sessions": ("console.sessions", "Show who is logged in, or log a person out everywhere."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
@config_option
def console() -> None:
    """The web console: let a person in without mail, see who is logged in, log somebody out."""
