"""`mailbot rules`: the commands that judge a policy before it is in force, by name."""

import click

from mailbot.cli.shared.command_group import LazyGroup
from mailbot.cli.shared.options import config_option

# command -> (module, help line)
COMMANDS = {
    "check": ("rules.check", "Prove faults of rules, ladders and limits, each with an example."),
    "diff": ("rules.diff", "Compare two policies over real mail: consequences first."),
    "learn": ("rules.learn", "Learn from tickets which words speak for a category."),
    "misses": ("rules.misses", "Show what the rules got wrong, and what would mend it."),
    "shadow": ("rules.shadow", "Show what the shadow policy would have decided differently."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
@config_option
def rules() -> None:
    """Prove faults of rules, find what they got wrong, compare two policies over real mail."""
