"""`mailbot rules`: what can be said about rules before they are in force."""

import click

from mailbot.cli.shared.command_group import LazyGroup
from mailbot.cli.shared.options import config_option

# command -> (module, what it does)
COMMANDS = {
    "check": ("rules.check", "What is wrong with rules, ladders and limits, proven, each with an example."),
    "diff": ("rules.diff", "What a new policy would do otherwise with real mail, ticket by ticket."),
    "shadow": ("rules.shadow", "What the policy that only looks on would have done otherwise."),
}


@click.group(cls=LazyGroup, places=COMMANDS)
@config_option
def rules() -> None:
    """Rules: prove what is wrong with them, compare two policies over real mail, see what one that looks on
    would do."""
