"""`mailbot run`: the daemon in the foreground."""

import gc
import os
from pathlib import Path

import click

from mailbot.cli import USUAL_COLLECTION
from mailbot.cli.shared.config_place import config_directory
from mailbot.cli.shared.options import config_option
from mailbot.cli.shared.output import print_error
from mailbot.operations.daemons import ROLES


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
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=1,
    metavar="N",
    help="Share the work between N processes under a supervisor: `mailbot docs operations/processes`.",
)
@click.option("--as", "name", hidden=True, help="Set by the supervisor, for `ps`.")
@config_option
@click.pass_context
def run(ctx: click.Context, roles: tuple[str, ...], processes: int, name: str | None) -> None:
    """Run the daemon in the foreground. SIGTERM drains and ends it, SIGHUP reloads the policy.

    With several processes SIGUSR2 replaces one after another, and no client is refused.
    """
    gc.set_threshold(*USUAL_COLLECTION)
    try:
        if processes > 1:
            ctx.exit(_supervise(config_directory(ctx), roles, processes))
        ctx.exit(_run_one(config_directory(ctx), roles))
    except OSError as error:
        print_error(f"can't start: {error}")
        ctx.exit(1)


def _supervise(directory: Path, roles: tuple[str, ...], processes: int) -> int:
    from mailbot.processes.supervisor import supervise

    arguments = ["run", "--config", str(directory), "--roles", ",".join(roles)]
    return supervise(arguments, processes, os.environ, listens="listener" in roles)


def _run_one(directory: Path, roles: tuple[str, ...]) -> int:
    """Run the daemon, as the only process or in the place that a supervisor gave it."""
    from mailbot.processes import console, place

    given, beside = place.take(os.environ), console.take(os.environ)
    if given and given.is_front:
        from mailbot.processes import front

        return front.run(given)
    from mailbot import daemon

    return daemon.run(directory, os.environ, roles, given, beside)
