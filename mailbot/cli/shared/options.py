"""Options that many commands share, and how their values are read."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mailbot.cli.shared.completion import complete_agent
from mailbot.cli.shared.config_place import KEY

if TYPE_CHECKING:  # --help must not load it
    from mailbot.reports.figures.api import Period

Command = TypeVar("Command", bound=Callable[..., Any])

LIMIT = 100  # rows that a list shows to people
MAX_LIMIT = 100_000


def _remember(ctx: click.Context, _param: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.meta[KEY] = value  # `meta` is shared by a command and the groups above it


config_option = click.option(
    "--config",
    "-c",
    metavar="DIR",
    type=click.Path(path_type=Path),
    callback=_remember,
    expose_value=False,
    is_eager=True,
    help="Where the YAML is. Default: $MAILBOT_CONFIG, /etc/mailbot, ./config.",
)
json_option = click.option("--json", "in_json", is_flag=True, help="Print one JSON value.")
as_option = click.option(
    "--as",
    "agent",
    metavar="ADDRESS",
    envvar="MAILBOT_AGENT",
    shell_complete=complete_agent,
    help="Act as this agent. Default: $MAILBOT_AGENT, else operator:<login name>.",
)
because_option = click.option("--because", default="", help="The reason, for people who read it later.")
limit_option = click.option(
    "--limit", type=click.IntRange(1, MAX_LIMIT), help=f"Show at most so many rows. Default: {LIMIT}."
)

page_option = click.option(
    "--page", type=click.IntRange(1), default=1, help="Show further rows: 2 follows 1."
)


def standard_options(command: Command) -> Command:
    """Add --config and --json, which nearly every command takes."""
    return config_option(json_option(command))


def row_limit(limit: int | None, in_json: bool) -> int:
    """Return how many rows to read: the value of --limit, else what suits people or programs."""
    return limit or (MAX_LIMIT if in_json else LIMIT)


def parse_time(value: str, now: datetime, zone: str) -> datetime:
    """Read a moment as `views.moments` does. Raise click.BadParameter for anything else."""
    from mailbot.views import moments

    try:
        return moments.parse_time(value, now, zone)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def parse_period(since: str, until: str | None, now: datetime, zone: str, options: str) -> "Period":
    """Build the period from `since` to before `until`. Spans of `since` count back from `until`.

    `options` names the two options for the error. Raise click.UsageError when the period is empty.
    """
    from mailbot.reports.figures.api import Period

    end = parse_time(until, now, zone) if until else now
    try:
        return Period(parse_time(since, end, zone), end, zone)
    except ValueError as error:
        first, last = options.split()
        raise click.UsageError(f"the period is empty: {first} must lie before {last}") from error
