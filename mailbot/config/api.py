"""config/*.yaml and the environment -> frozen Settings and Policy, or every problem at once.

What needs pydantic (0.1 s) is imported only when called: a command that only wants the values pays nothing.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from mailbot.config.model import Limits, Listen, Loaded, Monitor, Relay, Settings, Sources, Trust
from mailbot.config.shipped import FILES, Written, init

__all__ = [
    "FILES",
    "Limits",
    "Listen",
    "Loaded",
    "Monitor",
    "Relay",
    "Settings",
    "Sources",
    "Trust",
    "Written",
    "init",
    "load",
    "load_kept",
    "load_policy",
    "schema",
]


def load(directory: Path, env: Mapping[str, str], *, today: date | None = None) -> Loaded:
    """The configuration in `directory` with `env` above it. Raises ConfigError with every problem found.

    `today` decides which years' holidays are worked out: the one before it to five after it.
    """
    from mailbot.config.load import load

    return load(directory, env, today or datetime.now(UTC).date())


def load_policy(directory: Path, env: Mapping[str, str], *, today: date | None = None) -> Loaded:
    """A policy that is only tried: certificates and passwords are not looked at. Raises ConfigError."""
    from mailbot.config.load import load_policy

    return load_policy(directory, env, today or datetime.now(UTC).date())


def load_kept(sources: Sources, env: Mapping[str, str], today: date, name: str = "kept") -> Loaded:
    """The policy that was made of kept sources; `today` is a day when it was in force. Raises ConfigError."""
    from mailbot.config.load import load_kept

    return load_kept(sources, env, today, name)


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of "mailbot", "teams", "routing" or "escalation"; KeyError for another name."""
    from mailbot.config.json_schema import schema

    return schema(name)
