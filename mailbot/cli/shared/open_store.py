"""From a directory of YAML to what commands work with: checked configuration, open store, policy."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click
from sqlalchemy import make_url

from mailbot.cli.shared.options import config_directory
from mailbot.cli.shared.output import print_error
from mailbot.config.api import Loaded, Settings, load, load_policy
from mailbot.domain.policy import Policy
from mailbot.errors import ConfigError, Problem
from mailbot.mail.compose.compose import Composer
from mailbot.mail.compose.reply_tokens import TokenSigner
from mailbot.mail.compose.templates import Templates
from mailbot.mail.compose.templates import load as load_templates
from mailbot.store import ladders, migrate, queries
from mailbot.store.engine import is_sqlite, sqlite_path
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime, Snapshot, signer

STATE = Path("/var/lib/mailbot")  # where the systemd unit keeps a store with a relative path


@dataclass(frozen=True, slots=True)
class OpenStore:
    """An open store with the configuration beside it."""

    settings: Settings
    policy: Policy
    store: Store

    def build_runtime(self, templates: Templates | None = None) -> Runtime:
        """Build what the daemon decides by, the same way."""
        return build_runtime(self.settings, self.policy, self.store.read_now(queries.secret), templates)

    def zone(self, team: str = "") -> str:
        """The zone of a team's calendar; of the first calendar when there is no such team."""
        if team in self.policy.teams:
            return self.policy.calendar_of(team).zone
        return next(iter(self.policy.calendars.values())).zone


def build_runtime(
    settings: Settings, policy: Policy, secret: bytes | None, templates: Templates | None = None
) -> Runtime:
    """`secret` is the store's; without any, marks are made that nobody will ever recognise."""
    keys = TokenSigner(settings.secret or secret or secrets.token_bytes(32))
    read = templates or load_templates(settings.templates)
    composer = Composer(read, keys, policy, signer=signer(settings.dkim))
    return Runtime(Snapshot(policy, composer, keys, settings.trust))


def now() -> datetime:
    return datetime.now(UTC)


def load_configuration() -> Loaded:
    """The YAML of --config with the environment above it. Raises ConfigError."""
    return load(config_directory(click.get_current_context()), os.environ)


def validate_configuration() -> tuple[Loaded, Templates]:
    """All that a reload needs to be taken, tried as the daemon tries it. ConfigError holds every problem."""
    from mailbot.operations.validate_policy import validate_with_analysis

    directory = config_directory(click.get_current_context())
    found = validate_with_analysis(directory, os.environ, now().date())
    looks_on = _faults_of_shadow(found.loaded.settings)
    return replace(found.loaded, warnings=(*found.loaded.warnings, *looks_on)), found.templates


def _faults_of_shadow(settings: Settings) -> tuple[Problem, ...]:
    """Why the policy that should look on can't; the daemon goes its way without it."""
    if settings.shadow is None:
        return ()
    try:
        load_policy(settings.shadow, os.environ)
    except ConfigError as refusal:
        return refusal.problems
    return ()


@contextmanager
def open_store() -> Iterator[OpenStore]:
    """The store that the configuration names, opened; exit 1 with the reason when it can't be."""
    loaded = load_configuration()
    refusal = missing_store_reason(loaded.settings.store)
    if refusal:
        fail(refusal)
    store = Store(loaded.settings.store)
    try:
        if refusal := wrong_schema_reason(store):
            fail(refusal)
        policy = replace(loaded.policy, past_ladders=store.read_now(ladders.load))
        yield OpenStore(loaded.settings, policy, store)
    finally:
        store.close()


def missing_store_reason(url: str) -> str:
    """Why there is no store to open, else "". To ask SQLite itself would make an empty one."""
    if not is_sqlite(url) or Path(sqlite_path(url)).is_file():
        return ""
    path = Path(sqlite_path(url))
    text = (
        f"there is no store at {path}\n`mailbot run` makes it at its first start, `mailbot db upgrade` now."
    )
    elsewhere = STATE / path.name
    if path != elsewhere and elsewhere.is_file():
        text += f"\nThe service keeps one at {elsewhere}: MAILBOT_STORE={elsewhere} mailbot ..."
    return text


def wrong_schema_reason(store: Store) -> str:
    """What is to be done before this version can work with the store; "" when all is well."""
    found = store.read_now(migrate.current)
    if found == migrate.HEAD:
        return ""
    if found is None:
        return f"the store at {display_url(store.url)} is empty\n`mailbot db upgrade` lays out its tables."
    text = (
        f"the store at {display_url(store.url)} has schema {found}, this version works with {migrate.HEAD}\n"
    )
    return text + (
        "it needs the newer mailbot" if found > migrate.HEAD else "`mailbot db upgrade` migrates it"
    )


def display_url(url: str) -> str:
    """Where the store is, without its password."""
    return sqlite_path(url) if is_sqlite(url) else make_url(url).render_as_string(hide_password=True)


def fail(text: str) -> NoReturn:
    """The answer is no: why, and exit 1."""
    print_error(text)
    raise click.exceptions.Exit(1)
