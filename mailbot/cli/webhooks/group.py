"""`mailbot webhooks`: what operators do about webhooks, by name."""

import click

from mailbot.cli.shared.command_group import LazyGroup
from mailbot.cli.shared.options import config_option

# command -> (module, help line)
COMMANDS = {
    "list": ("webhooks.show", "Show each webhook: how many events wait, and what came of the last ones."),
    "test": ("webhooks.trial", "Send one message now and show the answer."),
    "replay": ("webhooks.change", "Send past events again, or go on from a later one."),
    "disable": ("webhooks.change", "Send nothing more until it is enabled. Events wait."),
    "enable": ("webhooks.change", "Go on where it stopped, at once."),
    "secret": ("webhooks.made", "Make a secret that messages are signed by."),
    "schema": ("webhooks.made", "Print the JSON Schema of the messages."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
@config_option
def webhooks() -> None:
    """Programs elsewhere that get a signed message for each event: see `mailbot docs channels/webhooks`."""
