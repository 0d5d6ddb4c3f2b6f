"""What `inbox` and `outbox` share: the argument ID, raw mail to a file, the outcome for each row."""

import sys
from collections.abc import Callable, Sequence

import click

from mailbot.cli.shared.json_form import print_json
from mailbot.cli.shared.open_store import fail
from mailbot.cli.shared.output import echo, on_terminal

id_argument = click.argument("mail_id", metavar="ID", type=click.IntRange(1))
ids_argument = click.argument("ids", metavar="ID...", type=click.IntRange(1), nargs=-1, required=True)


def write_raw_mail(content: bytes | None, missing: str) -> None:
    """Write a mail byte for byte to standard output, unless that is a terminal. Exit 1 when it is missing."""
    if content is None:
        fail(missing)
    if on_terminal():
        raise click.UsageError("a raw mail can control your terminal: write it to a file (> mail.eml)")
    sys.stdout.buffer.write(content)


def print_results(
    ids: Sequence[int],
    done: Sequence[bool],
    state_of: Callable[[int], str | None],
    *,
    success: str,
    failure: str,
    in_json: bool,
) -> None:
    """Print what became of each row. Exit 1 when one of them could not be done."""
    results = list(zip(ids, done, strict=True))
    if in_json:
        print_json([{"id": mail_id, "done": ok} for mail_id, ok in results])
    for mail_id, ok in results:
        if not ok:
            state = state_of(mail_id)
            text = f"mail {mail_id} {failure}, it is {state}" if state else f"there is no mail {mail_id}"
            click.echo(text, err=True)
        elif not in_json:
            echo(f"mail {mail_id} {success}")
    if not all(done):
        raise click.exceptions.Exit(1)
