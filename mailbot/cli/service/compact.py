"""`mailbot db compact`: rewrite a SQLite store without its free pages, while no daemon runs."""

import sqlite3
import time
from pathlib import Path

import click

from mailbot.cli.shared.open_store import fail, find_store_url, missing_store_reason
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import echo, print_json
from mailbot.errors import StoreFull
from mailbot.store.engine import display_url, is_sqlite, sqlite_path
from mailbot.store.retention.compact import compact as rewrite
from mailbot.store.service.life_lock import LifeLock
from mailbot.views.formats import format_size


@click.command()
@standard_options
def compact(in_json: bool) -> None:
    """Rewrite a SQLite store without its free pages. Stop the daemon first.

    Needed once for a store of an earlier version: then its file shrinks by itself after each run of retention.
    """
    url = find_store_url()
    if not is_sqlite(url):
        raise click.UsageError("the store is PostgreSQL: VACUUM FULL does it there, while no daemon runs")
    if reason := missing_store_reason(url):
        fail(reason)
    started = time.monotonic()
    try:
        with LifeLock(sqlite_path(url)):
            done = rewrite(Path(sqlite_path(url)))
    except StoreFull as error:
        fail(f"nothing was changed: {error}")
    except sqlite3.Error as error:
        fail(f"nothing was changed: {error}. `mailbot db backup` saves what there is")
    seconds = time.monotonic() - started
    if in_json:
        print_json(
            {"store": display_url(url), "before": done.before, "after": done.after, "seconds": seconds}
        )
    else:
        sizes = f"{format_size(done.before)} -> {format_size(done.after)}"
        echo(f"{display_url(url)}: {sizes} in {seconds:.1f} s")
