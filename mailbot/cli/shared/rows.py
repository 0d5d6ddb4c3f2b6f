"""What `inbox` and `outbox` have in common: ids, raw mail to a file, the outcome of each row."""

import sys
from collections.abc import Callable, Sequence

import click

from mailbot.cli.shared.open_store import fail
from mailbot.cli.shared.output import echo, on_terminal, print_json

ids_argument = click.argument("ids", metavar="ID...", type=click.IntRange(1), nargs=-1, required=True)


def write_raw_mail(content: bytes | None, missing: str) -> None:
    """A mail byte for byte to standard output, unless that is a terminal."""
    if content is None:
        fail(missing)
    if on_terminal():
        raise click.UsageError("a raw mail may move your terminal: write it to a file (> mail.eml)")
    sys.stdout.buffer.write(content)


def print_results(
    state_of: Callable[[int], str | None],
    ids: Sequence[int],
    done: Sequence[bool],
    yes: str,
    why_not: str,
    in_json: bool,
) -> None:
    """What became of each row; exit 1 when one of them could not be done."""
    if in_json:
        print_json([{"id": each, "done": was} for each, was in zip(ids, done, strict=True)])
    for each, was in zip(ids, done, strict=True):
        if not was:
            state = state_of(each)
            click.echo(
                f"mail {each} {why_not}, it is {state}" if state else f"there is no mail {each}", err=True
            )
        elif not in_json:
            echo(f"mail {each} {yes}")
    if not all(done):
        raise click.exceptions.Exit(1)
