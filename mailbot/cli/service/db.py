"""`mailbot db`: upgrade the schema of the store, back it up while the daemon runs."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from mailbot.cli.service.compact import compact
from mailbot.cli.service.move import migrate_to, reopen
from mailbot.cli.shared.open_store import fail, find_store_url, missing_store_reason, now
from mailbot.cli.shared.options import config_option, standard_options
from mailbot.cli.shared.output import clean, echo, print_json
from mailbot.errors import AlreadyRunning
from mailbot.store import migrate
from mailbot.store.engine import display_url, is_sqlite, sqlite_path
from mailbot.store.service.backup import backup as make_backup
from mailbot.store.service.life_lock import LifeLock
from mailbot.views.formats import format_size


@click.group()
@config_option
def db() -> None:
    """The store: upgrade, backup, move to another database, give space back."""


db.add_command(migrate_to)
db.add_command(reopen)
db.add_command(compact)


@db.command()
@standard_options
def upgrade(in_json: bool) -> None:
    """Bring the store to this version's schema. An empty or missing one is created."""
    url = find_store_url()
    if is_sqlite(url) and not Path(sqlite_path(url)).parent.is_dir():
        fail(f"there is no directory {Path(sqlite_path(url)).parent} to keep the store in")
    with _without_a_daemon(url):
        before = migrate.upgrade(url)
    place, head = display_url(url), migrate.HEAD
    if in_json:
        print_json({"store": place, "before": before, "now": head, "changed": before != head})
    elif before == head:
        echo(f"{place} has schema {head} already, nothing to do")
    else:
        echo(f"{place}: schema {before or 'none'} -> {head}")


@contextmanager
def _without_a_daemon(url: str) -> Iterator[None]:
    """Keep daemons off a SQLite file. One that runs is no hindrance where nothing is to do."""
    with ExitStack() as stack:
        if is_sqlite(url):
            try:
                stack.enter_context(LifeLock(sqlite_path(url)))
            except AlreadyRunning:
                if migrate.version(url) != migrate.HEAD:
                    raise
        yield


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@standard_options
def backup(file: Path, in_json: bool) -> None:
    """Copy the store to FILE, consistent even while the daemon writes. An existing file is never replaced."""
    url = find_store_url()
    if not is_sqlite(url):
        raise click.UsageError(
            "the store is PostgreSQL: back it up with its own tool, "
            f"pg_dump --format=custom '{display_url(url)}'"
        )
    if reason := missing_store_reason(url):
        fail(reason)
    started = time.monotonic()
    _copy(url, file)
    octets, seconds = file.stat().st_size, time.monotonic() - started
    if in_json:
        print_json({"file": str(file), "bytes": octets, "seconds": round(seconds, 3)})
    else:
        echo(f"wrote {clean(file)}: {format_size(octets)} in {seconds:.1f} s, its integrity is checked")


def _copy(url: str, file: Path) -> None:
    try:
        make_backup(sqlite_path(url), file, now())
    except FileExistsError:
        fail(f"{file} exists already: a backup never replaces a file")
    except OSError as error:
        fail(
            f"no backup was made: {error.strerror or error}{f': {error.filename}' if error.filename else ''}"
        )
    except sqlite3.Error as error:
        fail(f"no backup was made: {error}")
