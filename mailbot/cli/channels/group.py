"""`mailbot channels`: how each channel beside mail stands, and what operators do about it."""

import click

from mailbot.cli.shared.command_group import LazyGroup
from mailbot.cli.shared.options import config_option

# command -> (module, help line)
COMMANDS = {
    "list": ("channels.stand", "List the channels: what waits, what is parked, what is wrong."),
    "show": ("channels.stand", "Show one channel, and its events that wait or are parked."),
    "event": ("channels.events", "Show what a provider sent, as it came."),
    "retry": ("channels.events", "Read parked events again."),
    "drop": ("channels.events", "Give parked events up."),
    "setup": ("channels.setup", "Arrange a channel with its provider: telegram, whatsapp."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
@config_option
def channels() -> None:
    """Show how channels beside mail stand: what waits, what is parked and why; try it again or give it up."""
