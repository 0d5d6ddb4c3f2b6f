"""Load the configuration without paying for pydantic (0.1 s) before it is needed.

Commands that only want the types import this module; the loader is imported by the first call.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from mailbot.config.model import Limits, Listen, Loaded, Monitor, Relay, Settings, Sources, Trust
from mailbot.config.shipped import FILES, Written, init

__all__ = [
    "FILES", "Limits", "Listen", "Loaded", "Monitor", "Relay", "Settings", "Sources", "Trust", "Written",
    "init", "load", "load_policy", "load_sources", "schema",
]  # fmt: skip


def load(directory: Path, env: Mapping[str, str], *, today: date | None = None) -> Loaded:
    """Load the configuration in `directory`, with `env` above it. Raises ConfigError with every problem.

    `today` decides which years' holidays are computed: from the year before it to five years after it.
    """
    from mailbot.config import load as loader

    return loader.load(directory, env, today or datetime.now(UTC).date())


def load_policy(directory: Path, env: Mapping[str, str], *, today: date | None = None) -> Loaded:
    """Load a policy that is only tried, without checks of certificates and passwords. Raises ConfigError."""
    from mailbot.config import load as loader

    return loader.load(directory, env, today or datetime.now(UTC).date(), checks_machine=False)


def load_sources(sources: Sources, env: Mapping[str, str], today: date, name: str = "recorded") -> Loaded:
    """Load the policy of recorded sources; `today` is a day on which it was in force. Raises ConfigError."""
    from mailbot.config import load as loader

    return loader.load_sources(sources, env, today, name)


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of "mailbot", "teams", "routing" or "escalation"; KeyError for another name."""
    from mailbot.config import json_schema

    return json_schema.schema(name)
