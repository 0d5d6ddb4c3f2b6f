"""Policies as people name them: a directory, `live`, the version of one that was, `recorded`."""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from mailbot.analysis.past_policies import rebuilt
from mailbot.cli.shared.open_store import fail
from mailbot.cli.shared.output import clean
from mailbot.config.api import Loaded, load_policy
from mailbot.domain.policy import Policy
from mailbot.store import policies
from mailbot.store.store import Store

LIVE, RECORDED = "live", "recorded"


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A policy with the words that named it. `policy` None: what was recorded."""

    name: str
    policy: Policy | None
    trusted: tuple[str, ...] = ()  # whose word on a sender counts

    @property
    def version(self) -> str:
        return self.policy.version if self.policy else ""

    @property
    def zone(self) -> str:
        """Of the first calendar."""
        return next(iter(self.policy.calendars.values())).zone if self.policy else "UTC"


def find_policy(store: Store, name: str, today: date | None = None) -> NamedPolicy:
    """Raises ConfigError for a directory that holds no policy; exit 1 for what nobody knows. `today`: of the
    years around it holidays are worked out; else around now, or when the policy came into force."""
    if name == RECORDED:
        return NamedPolicy(name, None)
    if name == LIVE:
        kept = store.read_now(policies.load_newest)
        if kept is None:
            fail("no policy was ever in force on this store: `mailbot run` keeps what it goes by")
        return _of(name, rebuilt(kept, os.environ, today))
    if Path(name).is_dir():
        return load_directory(name, today)
    kept = store.read_now(policies.load_sources, name)
    if kept is None:
        fail(f"{clean(name)} is no directory, and no policy of that version was ever in force here")
    return _of(name, rebuilt(kept, os.environ, today))


def load_directory(name: str, today: date | None = None) -> NamedPolicy:
    return _of(name, load_policy(Path(name), os.environ, today=today))


def _of(name: str, loaded: Loaded) -> NamedPolicy:
    return NamedPolicy(name, loaded.policy, loaded.settings.trust.authserv_ids)
