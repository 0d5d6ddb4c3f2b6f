"""`mailbot import jsonl`: make an empty store of an export of mailbot's own."""

from contextlib import ExitStack
from pathlib import Path

from mailbot.cli.shared.open_store import fail, find_store_url
from mailbot.cli.shared.output import echo, print_json
from mailbot.cli.shared.progress import progress
from mailbot.operations.importing.jsonl import Restored, restore
from mailbot.operations.importing.model import Unreadable
from mailbot.store.engine import display_url, is_sqlite, sqlite_path
from mailbot.store.service.life_lock import LifeLock
from mailbot.store.service.move import MoveInDoubt, MoveRefused
from mailbot.views.formats import count_text


def restore_export(path: Path, *, dry_run: bool, in_json: bool) -> None:
    """Fill the empty store that the configuration names, while no daemon runs. Exit 1 with the reason else."""
    url = find_store_url()
    if is_sqlite(url) and not Path(sqlite_path(url)).parent.is_dir():
        fail(f"there is no directory {Path(sqlite_path(url)).parent} to keep the store in")
    try:
        with ExitStack() as stack:
            if is_sqlite(url):
                stack.enter_context(LifeLock(sqlite_path(url)))
            restored = restore(url, path, progress, dry_run=dry_run)
    except OSError as error:
        fail(f"{path} can't be read: {error.strerror}")
    except (Unreadable, MoveRefused) as refusal:
        fail(f"nothing was imported: {refusal}")
    except MoveInDoubt as error:
        fail(
            f"the connection broke during the last step, so the store holds everything or nothing: {error}\n"
            "`mailbot ticket list` shows which. If it holds nothing, run the import again."
        )
    _print(restored, display_url(url), dry_run=dry_run, in_json=in_json)


def _print(restored: Restored, place: str, *, dry_run: bool, in_json: bool) -> None:
    if in_json:
        records = dict(restored.records)
        print_json({"store": place, "since": restored.since, "dry_run": dry_run, "records": records})
        return
    total = count_text(sum(restored.records.values()), "record")
    tickets = count_text(restored.records["ticket"], "ticket")
    echo(f"{place} {'would have' if dry_run else 'has'} {tickets} now, of {total}")
    if restored.since:
        echo(f"The export began at {restored.since}: what did not change since is not in it.", fg="yellow")
