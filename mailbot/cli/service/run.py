"""`mailbot run`: the daemon in the foreground."""

import os

import click

from mailbot.cli.shared.config_place import config_directory
from mailbot.cli.shared.options import config_option
from mailbot.cli.shared.output import print_error

ROLES = ("listener", "imap", "intake", "delivery", "deadlines")


def _parse_roles(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, ...]:
    roles = tuple(dict.fromkeys(role.strip() for role in value.split(",") if role.strip()))
    if not roles or any(role not in ROLES for role in roles):
        raise click.BadParameter(f"choose from {', '.join(ROLES)}, separated by commas")
    return roles


@click.command()
@click.option(
    "--roles",
    default=",".join(ROLES),
    callback=_parse_roles,
    metavar="LIST",
    help=f"Run a part: {', '.join(ROLES)}. Default: all.",
)
@config_option
@click.pass_context
def run(ctx: click.Context, roles: tuple[str, ...]) -> None:
    """Run the daemon in the foreground. SIGTERM drains and ends it, SIGHUP reloads the policy."""
    from mailbot import daemon

    try:
        ctx.exit(daemon.run(config_directory(ctx), os.environ, roles))
    except OSError as error:
        print_error(f"can't start: {error}")
        ctx.exit(1)
