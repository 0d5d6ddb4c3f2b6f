"""Load what commands work with: the configuration, the store, policies by name."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import click
from sqlalchemy import make_url

from mailbot.cli.shared.config_place import config_directory
from mailbot.cli.shared.output import clean, print_error
from mailbot.config.api import Loaded, Settings, load, load_policy
from mailbot.domain.policy import Policy
from mailbot.errors import ConfigError, Problem
from mailbot.mail.compose.compose import Composer
from mailbot.mail.compose.templates import Templates
from mailbot.mail.compose.templates import load as load_templates
from mailbot.store import ladders, migrate, policies
from mailbot.store.engine import is_sqlite, sqlite_path
from mailbot.store.service import installation, signing_secrets
from mailbot.store.service.signing_secrets import Secret, StoredSecrets
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime, Snapshot, signer
from mailbot.workers.signing_keys import build_signer

STATE_DIRECTORY = Path("/var/lib/mailbot")  # where the systemd unit keeps a store with a relative path
PATIENCE = timedelta(minutes=2)  # for statements of a report over everything
LIVE, RECORDED = "live", "recorded"


@dataclass(frozen=True, slots=True)
class OpenStore:
    """An open store with its configuration."""

    settings: Settings
    policy: Policy
    store: Store

    def build_runtime(self) -> Runtime:
        """Build what the daemon decides by, in the same way."""
        stored = self.store.read_now(signing_secrets.load)
        if stored and lacks_secret(self.settings, stored):
            click.echo(OTHER_SECRET, err=True)
        return build_runtime(self.settings, self.policy, stored)

    def zone(self, team: str = "") -> str:
        """Return the time zone of a team's calendar, or of the first calendar when there is no such team."""
        if team in self.policy.teams:
            return self.policy.calendar_of(team).zone
        return next(iter(self.policy.calendars.values())).zone


OTHER_SECRET = (
    "note: the daemon signs by a MAILBOT_SECRET that this shell does not have. Replies to mails from here will not be "
    "recognised.\nSet it as the service has it: `mailbot docs secrets`"
)


def lacks_secret(settings: Settings, stored: StoredSecrets) -> bool:
    """Check whether daemons sign by a secret of their environment that is not in ours."""
    own = signing_secrets.fingerprint(settings.secret) if settings.secret else ""
    return bool(stored.elsewhere) and own != stored.elsewhere


def build_runtime(settings: Settings, policy: Policy, stored: StoredSecrets | None) -> Runtime:
    """Build the runtime with the store's secrets. Without any, its reply tokens are never recognised."""
    unknown = StoredSecrets((Secret(secrets.token_bytes(32)),), now())
    keys = build_signer(settings, stored or unknown)
    composer = Composer(load_templates(settings.templates), keys, policy, signer=signer(settings.dkim))
    return Runtime(Snapshot(policy, composer, keys, settings.trust))


def now() -> datetime:
    return datetime.now(UTC)


def fail(text: str) -> NoReturn:
    """Print why the answer is no, and exit 1."""
    print_error(text)
    raise click.exceptions.Exit(1)


# --- configuration ------------------------------------------------------------------------------------------


def load_configuration() -> Loaded:
    """Load the YAML of --config and the environment. Raise ConfigError."""
    return load(config_directory(click.get_current_context()), os.environ)


def validate_configuration() -> tuple[Loaded, Templates]:
    """Validate all that a reload checks, as the daemon does. ConfigError holds every problem."""
    from mailbot.operations.validate_policy import validate_with_analysis

    directory = config_directory(click.get_current_context())
    found = validate_with_analysis(directory, os.environ, now().date())
    warnings = (*found.loaded.warnings, *_problems_of_shadow(found.loaded.settings))
    return replace(found.loaded, warnings=warnings), found.templates


def _problems_of_shadow(settings: Settings) -> tuple[Problem, ...]:
    """List why the shadow policy can't be used. The daemon runs without it."""
    if settings.shadow is None:
        return ()
    try:
        load_policy(settings.shadow, os.environ)
    except ConfigError as refusal:
        return refusal.problems
    return ()


# --- the store ----------------------------------------------------------------------------------------------


@contextmanager
def open_store(patience: timedelta = PATIENCE) -> Iterator[OpenStore]:
    """Open the store that the configuration names. Exit 1 with the reason when that is impossible.

    `patience`: how long a statement may take.
    """
    loaded = load_configuration()
    if reason := missing_store_reason(loaded.settings.store):
        fail(reason)
    store = Store(_waiting_at_most(loaded.settings.store, patience), patience)
    try:
        if reason := wrong_schema_reason(store):
            fail(reason)
        policy = replace(loaded.policy, past_ladders=store.read_now(ladders.load))
        yield OpenStore(loaded.settings, policy, store)
    finally:
        store.close()


def _waiting_at_most(url: str, patience: timedelta) -> str:
    """Let SQLite wait for a lock no longer than this; its usual time is a minute."""
    parsed = make_url(url)
    if patience >= PATIENCE or not is_sqlite(url) or "timeout" in parsed.query:
        return url
    waiting = parsed.update_query_dict({"timeout": f"{patience.total_seconds():.0f}"})
    return waiting.render_as_string(hide_password=False)


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


def display_url(url: str) -> str:
    """Return where the store is, without its password."""
    if is_sqlite(url):
        return sqlite_path(url)
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=True)


# --- policies by name ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A policy with the name it was given on the command line. `policy` None: the recorded decisions."""

    name: str
    policy: Policy | None
    authserv_ids: tuple[str, ...] = ()  # hosts whose Authentication-Results count

    @property
    def version(self) -> str:
        return self.policy.version if self.policy else ""

    @property
    def zone(self) -> str:
        """Return the time zone of the first calendar."""
        return next(iter(self.policy.calendars.values())).zone if self.policy else "UTC"


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

    kept = (
        store.read_now(policies.load_newest) if name == LIVE else store.read_now(policies.load_sources, name)
    )
    if kept is None and name == LIVE:
        fail("no policy was ever in force on this store: `mailbot run` records the one it uses")
    if kept is None:
        fail(f"{clean(name)} is no directory, and no policy of that version was ever in force here")
    return _named(name, rebuilt(kept, os.environ, today))


def load_directory(name: str, today: date | None = None) -> NamedPolicy:
    return _named(name, load_policy(Path(name), os.environ, today=today))


def _named(name: str, loaded: Loaded) -> NamedPolicy:
    return NamedPolicy(name, loaded.policy, loaded.settings.trust.authserv_ids)
