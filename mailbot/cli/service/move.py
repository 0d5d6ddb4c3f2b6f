"""`mailbot db migrate-to` and `db reopen`: move the store to another database, and use the old one again."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import click
from sqlalchemy import make_url

from mailbot.cli.shared.config_place import config_directory
from mailbot.cli.shared.open_store import fail, load_configuration, missing_store_reason, now
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import clean, echo, print_json, print_table
from mailbot.cli.shared.progress import progress
from mailbot.config.quick_read import find_store
from mailbot.config.store_place import sqlalchemy_url
from mailbot.config.yaml import scalars
from mailbot.store.engine import display_url, is_sqlite, sqlite_path
from mailbot.store.service import installation, move
from mailbot.store.service.life_lock import LifeLock
from mailbot.store.store import Store
from mailbot.views.formats import count_text
from mailbot.views.json_form import to_json

SHOWN = 10  # rows with replaced characters


@click.command("migrate-to")
@click.argument("target", metavar="URL")
@click.option("--verify", is_flag=True, help="Only compare both stores; change nothing.")
@standard_options
def migrate_to(target: str, verify: bool, in_json: bool) -> None:
    """Move the store to the empty database URL, or the empty file, while no daemon runs.

    All tables are copied, then counted and compared by digests. Everything is committed at the end, or nothing. The old
    store stays as it is, marked: no daemon starts on it. The password may come from PGPASSWORD or ~/.pgpass.
    """
    source, target = _store(), _url(target)
    if reason := missing_store_reason(source) or _wrong_target(source, target):
        fail(reason)
    try:
        with ExitStack() as stack:
            for url in filter(is_sqlite, (source, target)):
                stack.enter_context(LifeLock(sqlite_path(url)))
            if verify:
                outcome = move.verify(source, target, _watch)
            else:
                outcome = move.move(source, target, display_url(target), now(), _watch)
    except move.MoveRefused as refusal:
        fail(f"nothing was moved: {refusal}")
    except move.MoveInDoubt as error:
        fail(
            f"the connection broke during the last step, so the target holds everything or nothing: {error}\n"
            "The same command with --verify shows which. If it holds nothing, run the move again."
        )
    _print(outcome, source, target, verify=verify, in_json=in_json)
    if not outcome.same:
        raise click.exceptions.Exit(1)


def _store() -> str:
    """Return the store's URL, also when the files have other faults."""
    directory = config_directory(click.get_current_context())
    return find_store(directory, os.environ) or load_configuration().settings.store


def _url(text: str) -> str:
    try:
        return sqlalchemy_url(scalars.store(text), Path.cwd())
    except ValueError as error:
        message, hint = scalars.message_and_hint(error)
        raise click.BadParameter(f"{message}. {hint}", param_hint="URL") from error


def _wrong_target(source: str, target: str) -> str:
    """Return why the target can't be one, else ""."""
    if make_url(source).set(password=None) == make_url(target).set(password=None):
        return f"the store is at {display_url(target)} already"
    if is_sqlite(target) and not Path(sqlite_path(target)).parent.is_dir():
        return f"there is no directory {Path(sqlite_path(target)).parent} to keep the store in"
    return ""


def _watch(rows: Iterable[move.Row], total: int, label: str) -> Iterator[move.Row]:
    """Show a bar on a terminal, elsewhere a line when it is done."""
    yield from progress(rows, total, label)
    if not sys.stderr.isatty():
        click.echo(f"{label}: {count_text(total, 'row')}", err=True)


def _print(outcome: move.Outcome, source: str, target: str, *, verify: bool, in_json: bool) -> None:
    moved = outcome.same and not verify
    if in_json:
        tables = [{**to_json(each), "same": each.same} for each in outcome.tables]
        print_json(
            {
                "source": display_url(source),
                "target": display_url(target),
                "same": outcome.same,
                "moved": moved,
                **to_json(outcome, only=("released", "replaced")),
                "tables": tables,
            }
        )
        return
    rows = [
        (each.table, each.rows, each.rows_there, each.digest[-12:], each.digest_there[-12:], _verdict(each))
        for each in outcome.tables
    ]
    print_table(("table", "rows", "rows there", "digest", "digest there", "same"), rows)
    _print_remarks(outcome)
    total = count_text(sum(each.rows for each in outcome.tables), "row")
    if not outcome.same:
        echo("The stores differ." if verify else "The stores differ: nothing was moved.", fg="red")
    elif verify:
        echo(f"Both stores hold the same {total}.")
    else:
        echo(f"{total} moved to {display_url(target)}.")
        echo("Name it as MAILBOT_STORE (or `store` in mailbot.yaml), then start the daemon.")
        echo("The old store is left as it was. No daemon starts on it, unless you run `mailbot db reopen`.")


def _verdict(table: move.Compared) -> str:
    return "yes" if table.same else "NO"


def _print_remarks(outcome: move.Outcome) -> None:
    if outcome.released:
        echo(f"A daemon had {count_text(outcome.released, 'row')} in hand when it died: they wait again.")
    if found := outcome.replaced:
        echo(f"{count_text(len(found), 'value')} held characters that PostgreSQL can't keep, now U+FFFD:")
        for place in found[:SHOWN]:
            echo(f"  {clean(place)}")
        if len(found) > SHOWN:
            echo("  ... --json lists all")


@click.command()
@standard_options
def reopen(in_json: bool) -> None:
    """Use the store again that was moved. What came in since the move is only at the other place."""
    url = _store()
    if reason := missing_store_reason(url):
        fail(reason)
    store = Store(url)
    try:
        reopened = store.write_now(installation.reopen, None)
    finally:
        store.close()
    if in_json:
        print_json({"store": display_url(url), "reopened": reopened})
    elif reopened:
        echo(f"{display_url(url)} can be used again")
    if not reopened:
        fail(f"{display_url(url)} was not moved, nothing to do")
