"""Policies of the past, rebuilt from the sources that the daemon stored."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from sqlalchemy import Connection

from mailbot.config.api import Loaded, Sources, load_sources
from mailbot.domain.policy import Policy
from mailbot.store import policies


class PastPolicies:
    """Builds each version once and keeps it. Use one for each command or task."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._built: dict[str, Loaded] = {}

    def of(self, connection: Connection, version: str) -> Policy | None:
        """Return the policy of a version; None when it was never in force.

        Raises ConfigError when this version of mailbot does not accept it any more.
        """
        loaded = self.loaded(connection, version)
        return loaded.policy if loaded else None

    def loaded(self, connection: Connection, version: str) -> Loaded | None:
        """Return the policy with its remarks and trusted servers. Other settings mean nothing."""
        if version not in self._built and (kept := policies.load_sources(connection, version)):
            self._built[version] = rebuilt(kept, self._env)
        return self._built.get(version)


def rebuilt(kept: policies.PolicySources, env: Mapping[str, str], today: date | None = None) -> Loaded:
    """Build a policy from stored sources, with the holidays known when it came into force, or around
    `today`."""
    sources = Sources(kept.files, kept.templates)
    loaded = load_sources(sources, env, today or kept.first_at.date(), f"policy {kept.version}")
    # Another mailbot may compute another version; events name it by this one.
    return replace(loaded, policy=replace(loaded.policy, version=kept.version))
