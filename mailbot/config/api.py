"""Load the configuration without paying for pydantic (0.1 s) before it is needed.

Commands that only want the types import this module; the loader is imported by the first call.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailbot.config.shipped import FILES, templates_for
from mailbot.config.starters import Written, init
from mailbot.errors import ConfigError

if TYPE_CHECKING:
    from mailbot.config.cache import Kept
    from mailbot.config.model import Limits, Listen, Loaded, Monitor, Relay, Settings, Sources, Trust

__all__ = [
    "FILES", "Limits", "Listen", "Loaded", "Monitor", "Relay", "Settings", "Sources", "Trust", "Written",
    "init", "load", "load_policy", "load_sources", "schema",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a type where it is asked for: commands that read need none of them."""
    from mailbot.config import model

    if name in __all__:
        return getattr(model, name)
    raise AttributeError(name)


def load(directory: Path, env: Mapping[str, str], *, today: date | None = None) -> "Loaded":
    """Load the configuration in `directory`, with `env` above it. Raises ConfigError with every problem.

    `today` decides which years' holidays are computed: from the year before it to five years after it.
    """
    from mailbot.config import load as loader

    return loader.load(directory, env, today or datetime.now(UTC).date())


def load_quickly(directory: Path, env: Mapping[str, str]) -> "Kept | Loaded":
    """Load as `load` does, from the cache where it has these very files. Raises ConfigError.

    It is for commands that only read: the policy may come without rules, mail would not be signed.
    """
    from mailbot.config import cache

    key, kept = _recall(directory, env)
    if kept:
        return kept
    if key:
        cache.raise_refusal(key, env)
    try:
        return _load_and_keep(directory, env, key)
    except ConfigError as refusal:
        if key and _is_refused_everywhere(directory, env):
            cache.keep_refusal(key, refusal, env)
        raise


def load_to_decide(directory: Path, env: Mapping[str, str]) -> "Loaded":
    """Load settings and the whole policy, from the cache where it has these very files. Raises ConfigError."""
    key, kept = _recall(directory, env)
    return kept.with_rules() if kept else _load_and_keep(directory, env, key)


def _recall(directory: Path, env: Mapping[str, str]) -> "tuple[str, Kept | None]":
    """Return the name of these files in the cache, "" where they can't be there, and what it has of them."""
    from mailbot.config import cache
    from mailbot.config.environment import read_environment

    environment, problems, _ = read_environment(env)
    key = "" if problems else cache.key_of_files(directory, env, datetime.now(UTC).date())
    if not key:
        return "", None
    return key, cache.recall(key, directory, environment, env, lambda: load(directory, env))


def _load_and_keep(directory: Path, env: Mapping[str, str], key: str) -> "Loaded":
    from mailbot.config import cache

    today = datetime.now(UTC).date()
    loaded = load(directory, env, today=today)
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
    version: str, sources: "Callable[[], Sources]", directory: Path, env: Mapping[str, str], today: date
) -> "Kept | Loaded":
    """Load the policy that was recorded as `version`, for reading alone; with the settings of its mailbot.yaml.

    `sources` is called where the cache does not have it. Raises ConfigError.
    """
    from mailbot.config import cache
    from mailbot.config.environment import read_environment

    environment, *_ = read_environment(env)
    key = cache.key_of_version(version, env, directory)

    def rebuild() -> "Loaded":
        from mailbot.config import load as loader
        from mailbot.config.override import with_environment

        loaded = loader.load_sources(sources(), {}, today, str(directory))
        assert loaded.written
        settings = with_environment(loaded.written.settings, loaded.written.store, directory, environment)
        settings = replace(settings, templates=templates_for(directory))
        return replace(loaded, settings=settings, policy=replace(loaded.policy, version=version))

    if kept := cache.recall(key, directory, environment, env, rebuild):
        return kept
    loaded = rebuild()
    cache.keep(key, loaded, env)
    return loaded


def load_policy(directory: Path, env: Mapping[str, str], *, today: date | None = None) -> "Loaded":
    """Load a policy that is only tried, without checks of certificates and passwords. Raises ConfigError."""
    from mailbot.config import load as loader

    return loader.load(directory, env, today or datetime.now(UTC).date(), checks_machine=False)


def load_sources(sources: "Sources", env: Mapping[str, str], today: date, name: str = "recorded") -> "Loaded":
    """Load the policy of recorded sources; `today` is a day on which it was in force. Raises ConfigError."""
    from mailbot.config import load as loader

    return loader.load_sources(sources, env, today, name)


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of "mailbot", "teams", "routing" or "escalation"; KeyError for another name."""
    from mailbot.config import json_schema

    return json_schema.schema(name)
