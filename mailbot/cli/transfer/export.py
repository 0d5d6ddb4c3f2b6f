"""`mailbot export`: all that the store knows as JSON Lines."""

import os
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import click

from mailbot.cli.shared.open_store import fail, now, open_store
from mailbot.cli.shared.options import parse_time, standard_options
from mailbot.cli.shared.output import clean, on_terminal, print_json
from mailbot.cli.shared.progress import progress
from mailbot.operations.exporting.jsonl import Exported
from mailbot.operations.exporting.jsonl import export as write_export
from mailbot.store.service.backup import give_name, part_of_our_own
from mailbot.views.formats import count_text, format_size

PATIENCE = timedelta(hours=2)  # PostgreSQL sorts the largest tables before the first row comes
STDOUT = "-"

Write = Callable[[BinaryIO], Exported]


@click.command()
@click.option("--since", metavar="WHEN", help="Only tickets that changed since then: 30d, 2026-11-01.")
@click.option("--out", default=STDOUT, metavar="FILE", help="A new file. Default: -, standard output.")
@standard_options
def export(since: str | None, out: str, in_json: bool) -> None:
    """Write tickets, mails, files and the ledger as JSON Lines, one line a record, while the daemon runs.

    The file holds all that customers wrote, but no secrets, sessions or tokens. `mailbot import jsonl FILE` makes an
    empty store of it.
    """
    if out == STDOUT and on_terminal():
        raise click.UsageError("an export is no text for a terminal: --out export.jsonl")
    if out == STDOUT and in_json:
        raise click.UsageError("--json describes the file of --out; standard output has the export itself")
    with open_store(PATIENCE) as opened:
        begin = parse_time(since, now(), opened.zone()) if since else None

        def write(file: BinaryIO) -> Exported:
            return opened.store.read_now(write_export, file, begin, progress, patience=PATIENCE)

        exported = write(sys.stdout.buffer) if out == STDOUT else _write_new(Path(out), write)
    _print(exported, out, begin, in_json=in_json)


def _write_new(path: Path, write: Write) -> Exported:
    """Write a file that has its name only when it is whole. One that exists is never replaced."""
    if os.path.lexists(path):
        fail(f"{path} exists already: an export never replaces a file")
    part = path.with_name(f"{path.name}.part")
    try:
        with part_of_our_own(part) as descriptor:
            with open(descriptor, "wb", closefd=False) as file:
                exported = write(file)
            os.fsync(descriptor)
            give_name(part, path)
    except OSError as error:
        fail(f"nothing was exported: {error.strerror or error}: {path}")
    return exported


def _print(exported: Exported, out: str, since: datetime | None, *, in_json: bool) -> None:
    if in_json:
        print_json(
            {
                "file": out,
                "since": since.isoformat() if since else None,
                "bytes": exported.size,
                "records": dict(exported.records),
                "waiting": exported.waiting,
            }
        )
        return
    counted = ", ".join(
        count_text(exported.records[kind], noun) for kind, noun in NOUNS.items() if exported.records[kind]
    )
    place = "standard output" if out == STDOUT else clean(out)
    click.echo(f"wrote {place}: {format_size(exported.size)}, {counted or 'no tickets'}", err=True)
    if exported.waiting:
        waiting = count_text(exported.waiting, "mail")
        click.echo(f"{waiting} to send stayed behind: this store sends what waits", err=True)


NOUNS = {"ticket": "ticket", "mail": "mail", "file": "file", "compensation": "line of the ledger"}
