"""`mailbot rules`: what can be said about rules before they are in force."""

import click

from mailbot.cli.options import config_option
from mailbot.cli.rules_check import check
from mailbot.cli.rules_diff import diff
from mailbot.cli.rules_shadow import shadow


@click.group()
@config_option
def rules() -> None:
    """Rules: prove what is wrong with them, compare two policies over real mail, see what one that looks on
    would do."""


rules.add_command(check)
rules.add_command(diff)
rules.add_command(shadow)
