"""`mailbot db`: the schema brought up to date, a consistent backup while the daemon runs."""

import os
import sqlite3
import time
from pathlib import Path

import click

from mailbot.cli.shared import output
from mailbot.cli.shared.open_store import display_url, fail, load_configuration, missing_store_reason
from mailbot.cli.shared.options import config_option, json_option
from mailbot.store import migrate
from mailbot.store.engine import is_sqlite, sqlite_path

PRIVATE = 0o077  # umask: customers' mail is for its owner alone


@click.group()
@config_option
def db() -> None:
    """The store: upgrade, backup."""


@db.command()
@config_option
@json_option
def upgrade(in_json: bool) -> None:
    """Bring the store to this version's schema; an empty or missing one is laid out."""
    url = load_configuration().settings.store
    old = os.umask(PRIVATE)
    try:
        if is_sqlite(url) and not Path(sqlite_path(url)).parent.is_dir():
            fail(f"there is no directory {Path(sqlite_path(url)).parent} to keep the store in")
        before = migrate.upgrade(url)
    finally:
        os.umask(old)
    if in_json:
        output.print_json(
            {
                "store": display_url(url),
                "before": before,
                "now": migrate.HEAD,
                "changed": before != migrate.HEAD,
            }
        )
    elif before == migrate.HEAD:
        output.echo(f"{display_url(url)} has schema {migrate.HEAD} already, nothing to do")
    else:
        output.echo(f"{display_url(url)}: schema {before or 'none'} -> {migrate.HEAD}")


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@config_option
@json_option
def backup(file: Path, in_json: bool) -> None:
    """Copy the store to FILE, consistent also while the daemon writes. Never replaces a file."""
    url = load_configuration().settings.store
    if not is_sqlite(url):
        raise click.UsageError(
            f"the store is PostgreSQL: back it up with its own tool, pg_dump --format=custom '{display_url(url)}'"
        )
    if refusal := missing_store_reason(url):
        fail(refusal)
    started = time.monotonic()
    _copy(url, file)
    octets, seconds = file.stat().st_size, time.monotonic() - started
    if in_json:
        output.print_json({"file": str(file), "bytes": octets, "seconds": round(seconds, 3)})
    else:
        output.echo(
            f"wrote {output.clean(file)}: {output.format_size(octets)} in {seconds:.1f} s, its integrity is checked"
        )


def _copy(url: str, file: Path) -> None:
    old = os.umask(PRIVATE)
    try:
        migrate.backup(url, file)
    except FileExistsError:
        fail(f"{file} exists already: a backup never replaces a file")
    except (OSError, sqlite3.Error) as error:
        file.unlink(missing_ok=True)  # half a backup is worse than none
        fail(f"no backup was made: {error}")
    finally:
        os.umask(old)
