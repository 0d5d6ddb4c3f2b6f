"""`mailbot channels setup`: arrange a channel with its provider."""

import click

from mailbot.cli.shared.command_group import LazyGroup
from mailbot.cli.shared.options import config_option

# command -> (module, help line)
COMMANDS = {
    "telegram": ("channels.setup_telegram", "Try the bot's token, and arrange how its news come."),
    "whatsapp": ("channels.setup_whatsapp", "Try the token and our address, and say what Meta needs."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
@config_option
def setup() -> None:
    """Try the secrets of a channel, and arrange with its provider how messages come. It may run again at any time."""
