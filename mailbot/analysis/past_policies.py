"""Policies as they were: built again from the sources that the daemon kept."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from sqlalchemy import Connection

from mailbot.config.api import Loaded, Sources, load_sources
from mailbot.domain.policy import Policy
from mailbot.store import policies


class PastPolicies:
    """Each version is built once. One for each command or duty: what it built stays in memory."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._built: dict[str, Loaded] = {}

    def of(self, connection: Connection, version: str) -> Policy | None:
        """The policy of that version; None when no daemon ever went by it.

        Raises ConfigError when this mailbot would not take what an older one took.
        """
        loaded = self.loaded(connection, version)
        return loaded.policy if loaded else None

    def loaded(self, connection: Connection, version: str) -> Loaded | None:
        """The same with its remarks and whom it trusted; nothing else of its settings means anything."""
        if version not in self._built and (kept := policies.load_sources(connection, version)):
            self._built[version] = rebuilt(kept, self._env)
        return self._built.get(version)


def rebuilt(kept: policies.PolicySources, env: Mapping[str, str], today: date | None = None) -> Loaded:
    """A policy from its sources, with the holidays as they were known when it came into force, or of the
    years around `today`."""
    sources = Sources(kept.files, kept.templates)
    loaded = load_sources(sources, env, today or kept.first_at.date(), f"policy {kept.version}")
    # Another mailbot may have counted the version otherwise; events know it by this one.
    return replace(loaded, policy=replace(loaded.policy, version=kept.version))
