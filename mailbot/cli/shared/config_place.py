"""Where the configuration is: --config, the environment, the usual places."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

KEY = "mailbot.config"  # of the context, where --config is kept
USUAL_PLACES = (Path("/etc/mailbot"), Path("config"))


def config_directory(ctx: click.Context, env: Mapping[str, str] = os.environ) -> Path:
    """Return --config, else $MAILBOT_CONFIG, else /etc/mailbot when there is one, else ./config."""
    chosen: Any = ctx.meta.get(KEY) or env.get("MAILBOT_CONFIG")
    if chosen:
        return Path(chosen)
    return next((path for path in USUAL_PLACES if path.is_dir()), USUAL_PLACES[-1])
