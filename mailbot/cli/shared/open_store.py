"""Load what commands work with: the configuration, the store, policies by name."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import click
from sqlalchemy import make_url

from mailbot.cli.shared.config_place import config_directory
from mailbot.cli.shared.output import clean, print_error
from mailbot.config import api
from mailbot.errors import ConfigError, Problem, StoreUnavailable
from mailbot.store import migrate
from mailbot.store.engine import display_url, is_sqlite, sqlite_path
from mailbot.store.service import installation
from mailbot.store.store import Store

if TYPE_CHECKING:  # what decides and composes mail: a command that reads does without
    from mailbot.config.cache import Kept
    from mailbot.config.model import Loaded, Settings
    from mailbot.domain.policy import Policy
    from mailbot.mail.compose.templates import Templates
    from mailbot.workers.runtime import Runtime

R = TypeVar("R")

STATE_DIRECTORY = Path("/var/lib/mailbot")  # where the systemd unit keeps a store with a relative path
BRIEFLY = timedelta(seconds=3)  # for what a command can do without
PATIENCE = timedelta(minutes=2)  # for statements of a report over everything
LIVE, RECORDED = "live", "recorded"


class OpenStore:
    """An open store with its configuration. `settings` come without a signing key unless the command decides."""

    def __init__(self, chosen: "Kept | Loaded", store: Store) -> None:
        self.store, self._chosen = store, chosen

    @property
    def settings(self) -> "Settings":
        return self._chosen.settings

    @cached_property
    def policy(self) -> "Policy":
        """Return the policy, with the ladders that tickets have from former ones; without rules for reading."""
        from mailbot.store import ladders

        return replace(self._chosen.policy, past_ladders=self.store.read_now(ladders.load))

    def with_rules(self) -> "Policy":
        """Return the policy with its rules, for a command that explains what they did."""
        return self._chosen.with_rules().policy

    def build_runtime(self) -> "Runtime":
        """Build what the daemon decides by, in the same way."""
        from mailbot.cli.shared.runtime import OTHER_SECRET, build_runtime, lacks_secret
        from mailbot.store.service import signing_secrets

        stored = self.store.read_now(signing_secrets.load)
        if stored and lacks_secret(self.settings, stored):
            click.echo(OTHER_SECRET, err=True)
        return build_runtime(self.settings, self.policy, stored)

    def zone(self, team: str = "") -> str:
        """Return the time zone of a team's calendar, or of the first calendar when there is no such team."""
        return self._chosen.zone(team)


def now() -> datetime:
    return datetime.now(UTC)


def fail(text: str) -> NoReturn:
    """Print why the answer is no, and exit 1."""
    print_error(text)
    raise click.exceptions.Exit(1)


# --- configuration ------------------------------------------------------------------------------------------


def load_configuration() -> "Loaded":
    """Load the YAML of --config and the environment, with warnings, tests and sources. Raise ConfigError."""
    return api.load(_directory(), os.environ)


def load_to_decide() -> "Loaded":
    """Load settings and policy, from the cache where it has them. Raise ConfigError."""
    return api.load_to_decide(_directory(), os.environ)


def _directory() -> Path:
    return config_directory(click.get_current_context())


def find_store_url() -> str:
    """Return the store's URL, also where the YAML can't be used. Raise ConfigError where nothing names it."""
    try:
        return api.load_quickly(_directory(), os.environ).store
    except ConfigError as refusal:
        return _named_store(refusal)


def _named_store(refusal: ConfigError) -> str:
    """Return the URL of a store that exists, named by what can be read of the configuration."""
    from mailbot.config.quick_read import find_store

    url = find_store(_directory(), os.environ)
    if not url or missing_store_reason(url):
        raise refusal
    return url


def validate_configuration() -> "tuple[Loaded, Templates]":
    """Validate all that a reload checks, as the daemon does. ConfigError holds every problem."""
    from mailbot.operations.validate_policy import validate_with_analysis

    directory = config_directory(click.get_current_context())
    found = validate_with_analysis(directory, os.environ, now().date())
    warnings = (*found.loaded.warnings, *_problems_of_shadow(found.loaded.settings))
    return replace(found.loaded, warnings=warnings), found.templates


def _problems_of_shadow(settings: "Settings") -> tuple[Problem, ...]:
    """List why the shadow policy can't be used. The daemon runs without it."""
    if settings.shadow is None:
        return ()
    try:
        api.load_policy(settings.shadow, os.environ)
    except ConfigError as refusal:
        return refusal.problems
    return ()


# --- the store ----------------------------------------------------------------------------------------------


@contextmanager
def open_store(patience: timedelta = PATIENCE, *, decides: bool = False) -> Iterator[OpenStore]:
    """Open the store that the configuration names. Exit 1 with the reason when that is impossible.

    A command that `decides` needs a configuration without faults. Any other goes on with the policy that the store
    keeps, and says so. `patience`: how long a statement may take.
    """
    try:
        load: Callable[..., Kept | Loaded] = api.load_to_decide if decides else api.load_quickly
        loaded, refusal = load(_directory(), os.environ), None
        url = loaded.store
    except ConfigError as error:
        if decides:
            raise
        loaded, refusal, url = None, error, _named_store(error)
    if reason := missing_store_reason(url):
        fail(reason)
    store = Store(_waiting_at_most(url, patience), patience, feeds=lambda: bool(opened.settings.webhooks))
    try:
        if reason := wrong_schema_reason(store):
            fail(reason)
        opened = OpenStore(loaded or _recorded(store, refusal), store)
        yield opened
    finally:
        store.close()


def _recorded(store: Store, refusal: ConfigError | None) -> "Kept | Loaded":
    """Load the policy that the store keeps, and say that it takes the place of the files."""
    from mailbot.store import policies

    assert refusal
    if (kept := store.read_now(policies.load_newest)) is None:
        raise refusal
    found = api.load_recorded(
        kept.version,
        lambda: api.Sources(kept.files, kept.templates),
        _directory(),
        os.environ,
        kept.first_at.date(),
    )
    first = str(refusal.problems[0]).partition("\n")[0]
    more = f" (and {len(refusal.problems) - 1} more)" if len(refusal.problems) > 1 else ""
    print_error(
        f"the configuration can't be used: {first}{more}. This reads on with policy {kept.version}, which the store "
        "keeps; `mailbot check` shows each fault"
    )
    return found


def _waiting_at_most(url: str, patience: timedelta) -> str:
    """Let SQLite wait for a lock no longer than this; its usual time is a minute."""
    parsed = make_url(url)
    if patience >= PATIENCE or not is_sqlite(url) or "timeout" in parsed.query:
        return url
    waiting = parsed.update_query_dict({"timeout": f"{patience.total_seconds():.0f}"})
    return waiting.render_as_string(hide_password=False)


def read_if_possible(url: str, read: Callable[[Store], R]) -> R | None:
    """Return what `read` finds in the store; None where there is none, or where it can't be read at once."""
    if missing_store_reason(url):
        return None
    store = Store(_waiting_at_most(url, BRIEFLY), BRIEFLY)
    try:
        return None if wrong_schema_reason(store) else read(store)
    except StoreUnavailable:
        return None
    finally:
        store.close()


def missing_store_reason(url: str) -> str:
    """Return why there is no store to open, else "". SQLite itself would create an empty one."""
    if not is_sqlite(url) or Path(sqlite_path(url)).is_file():
        return ""
    path = Path(sqlite_path(url))
    text = f"there is no store at {path}\n`mailbot run` creates it when it starts, `mailbot db upgrade` now."
    elsewhere = STATE_DIRECTORY / path.name
    if path != elsewhere and elsewhere.is_file():
        text += f"\nThe service keeps one at {elsewhere}: MAILBOT_STORE={elsewhere} mailbot ..."
    return text


def wrong_schema_reason(store: Store) -> str:
    """Return what has to be done before this version can work with the store, else ""."""
    found, place = store.read_now(migrate.current), display_url(store.url)
    if reason := store.read_now(migrate.unknown_reason, found):
        return f"the store at {place} can't be used: {reason}"
    if found == migrate.HEAD:
        moved = store.read_now(installation.moved_reason)
        return f"the store at {place} is not in use: {moved}" if moved else ""
    if found is None:
        return f"the store at {place} is empty\n`mailbot db upgrade` creates its tables."
    text = f"the store at {place} has schema {found}, this version works with {migrate.HEAD}"
    return f"{text}\n`mailbot db upgrade` migrates it, the next start of the daemon too"


# --- policies by name ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A policy with the name it was given on the command line. `policy` None: the recorded decisions."""

    name: str
    policy: "Policy | None"
    authserv_ids: tuple[str, ...] = ()  # hosts whose Authentication-Results count

    @property
    def version(self) -> str:
        return self.policy.version if self.policy else ""

    @property
    def zone(self) -> str:
        """Return the time zone of the first calendar."""
        return self.policy.zone_of() if self.policy else "UTC"


def find_policy(store: Store, name: str, today: date | None = None) -> NamedPolicy:
    """Find a policy by name: a directory, `live`, `recorded`, or a version that was in force.

    Raise ConfigError for a directory without a valid policy. Exit 1 for an unknown name. Holidays are those
    around `today`; without it, those around now or around the time when the policy came into force.
    """
    if name == RECORDED:
        return NamedPolicy(name, None)
    if name != LIVE and Path(name).is_dir():
        return load_directory(name, today)
    from mailbot.analysis.past_policies import rebuilt
    from mailbot.store import policies

    kept = (
        store.read_now(policies.load_newest) if name == LIVE else store.read_now(policies.load_sources, name)
    )
    if kept is None and name == LIVE:
        fail("no policy was ever in force on this store: `mailbot run` records the one it uses")
    if kept is None:
        fail(f"{clean(name)!r} is no directory, and no policy of that version was ever in force here")
    return _named(name, rebuilt(kept, os.environ, today))


def check_policy_names(*names: str) -> None:
    """Exit 1 for a path that is no directory, before the store is opened, which may not be there."""
    for name in names:
        if os.sep in name and not Path(name).is_dir():
            fail(f"there is no directory {clean(name)!r}")


def load_directory(name: str, today: date | None = None) -> NamedPolicy:
    return _named(name, api.load_policy(Path(name), os.environ, today=today))


def _named(name: str, loaded: "Loaded") -> NamedPolicy:
    return NamedPolicy(name, loaded.policy, loaded.settings.trust.authserv_ids)
