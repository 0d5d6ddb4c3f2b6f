"""Options that many commands share. --config may stand before or after the command."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

_KEY = "mailbot.config"
USUAL = (Path("config"), Path("/etc/mailbot"))


def _remember(ctx: click.Context, _param: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.meta[_KEY] = value  # `meta` is shared by a command and the groups above it


config_option = click.option(
    "--config",
    "-c",
    metavar="DIR",
    type=click.Path(path_type=Path),
    callback=_remember,
    expose_value=False,
    is_eager=True,
    help="Where the YAML is; else $MAILBOT_CONFIG, ./config, /etc/mailbot.",
)

json_option = click.option("--json", "in_json", is_flag=True, help="One JSON value on standard output.")
as_option = click.option(
    "--as", "agent", metavar="ADDRESS", help="Act as this agent; else as operator:<login>."
)


def config_directory(ctx: click.Context, env: Mapping[str, str] = os.environ) -> Path:
    """--config, else $MAILBOT_CONFIG, else ./config when there is one, else /etc/mailbot."""
    chosen: Any = ctx.meta.get(_KEY) or env.get("MAILBOT_CONFIG")
    if chosen:
        return Path(chosen)
    return next((path for path in USUAL if path.is_dir()), USUAL[-1])
