"""`mailbot rules`: what can be said about rules before they are in force."""

import click

from mailbot.cli.options import config_option
from mailbot.cli.rules_diff import diff
from mailbot.cli.rules_shadow import shadow


@click.group()
@config_option
def rules() -> None:
    """Rules: compare two policies over real mail, see what one that looks on would do."""


rules.add_command(diff)
rules.add_command(shadow)
