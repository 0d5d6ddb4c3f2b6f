"""Load the configuration without paying for pydantic (0.1 s) before it is needed.

Commands that only want the types import this module; the loader is imported by the first call.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from mailbot.config.model import Limits, Listen, Loaded, Monitor, Relay, Settings, Sources, Trust
from mailbot.config.shipped import FILES, Written, init, templates_for
from mailbot.errors import ConfigError

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


def load_quickly(directory: Path, env: Mapping[str, str], *, decides: bool) -> Loaded:
    """Load as `load` does, from the cache where it has these very files. Raises ConfigError.

    For a command that `decides` nothing the policy may come without rules, and mail without a signing key. Sources,
    tests and warnings may be left out.
    """
    from mailbot.config import cache
    from mailbot.config.environment import read_environment

    today, (environment, problems, _) = datetime.now(UTC).date(), read_environment(env)
    key = "" if problems else cache.key_of_files(directory, env, today)
    kept = cache.recall(key, directory, environment, env) if key else None
    if kept and (found := kept.loaded(decides=decides)):
        return found
    if key and not decides:
        cache.raise_refusal(key, env)
    try:
        loaded = load(directory, env, today=today)
    except ConfigError as refusal:
        if key and not decides and _is_refused_everywhere(directory, env):
            cache.keep_refusal(key, refusal, env)
        raise
    if key and key == cache.key_of_files(directory, env, today):  # nobody wrote to them meanwhile
        cache.keep(key, loaded, env)
    return loaded


def _is_refused_everywhere(directory: Path, env: Mapping[str, str]) -> bool:
    """Check whether the files are refused for what is in them, not for what this machine lacks."""
    try:
        load_policy(directory, env)
    except ConfigError:
        return True
    return False


def load_recorded(
    version: str, sources: Callable[[], Sources], directory: Path, env: Mapping[str, str], today: date
) -> Loaded:
    """Load the policy that was recorded as `version`, for reading alone; with the settings of its mailbot.yaml.

    `sources` is called where the cache does not have it. Raises ConfigError.
    """
    from mailbot.config import cache
    from mailbot.config import load as loader
    from mailbot.config.environment import read_environment

    environment, *_ = read_environment(env)
    key = cache.key_of_version(version, env, directory)
    kept = cache.recall(key, directory, environment, env)
    if kept and (found := kept.loaded(decides=False)):
        return found
    loaded = loader.load_sources(sources(), {}, today, str(directory))
    loaded = replace(loaded, policy=replace(loaded.policy, version=version))
    cache.keep(key, loaded, env)
    from mailbot.config.override import with_environment

    assert loaded.written
    settings = with_environment(loaded.written.settings, loaded.written.store, directory, environment)
    return replace(loaded, settings=replace(settings, templates=templates_for(directory)))


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
