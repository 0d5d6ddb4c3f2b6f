"""`mailbot completion SHELL`: the script by which a shell completes commands and names."""

import click
from click.shell_completion import get_completion_class

from mailbot.cli.shared.output import echo

VARIABLE = "_MAILBOT_COMPLETE"  # by which the script calls mailbot, as click names it


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Write the script that completes commands, options, agents, teams, levels, causes and macros.

    Ticket numbers and ids of mails are completed from a store on SQLite.

    bash: mailbot completion bash > ~/.local/share/bash-completion/completions/mailbot

    zsh: mailbot completion zsh > a file _mailbot in a folder of $fpath

    fish: mailbot completion fish > ~/.config/fish/completions/mailbot.fish
    """
    made = get_completion_class(shell)
    assert made is not None
    command = made(ctx.find_root().command, {}, "mailbot", VARIABLE)
    # Not `source`: that looks for a bash on this machine first.
    echo(command.source_template % command.source_vars())
