"""What `inbox` and `outbox` share: the argument ID, raw mail to a file, the outcome for each row."""

import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import click
from sqlalchemy import Connection

from mailbot.cli.shared.complete_stored import complete_mail_id
from mailbot.cli.shared.open_store import OpenStore, fail, now
from mailbot.cli.shared.output import echo, on_terminal, print_json
from mailbot.views.formats import format_time

if TYPE_CHECKING:
    from mailbot.domain.model import InboundMail

id_argument = click.argument("mail_id", metavar="ID", type=click.IntRange(1), shell_complete=complete_mail_id)
stuck_option = click.option(
    "--stuck", is_flag=True, help="Those that a node has claimed and does not work on; `retry` frees them."
)
ids_argument = click.argument(
    "ids", metavar="ID...", type=click.IntRange(1), nargs=-1, required=True, shell_complete=complete_mail_id
)


def act(opened: OpenStore, what: str, target: int | str, because: str = "") -> bool:
    """Carry out one of `mail_queues.What` as whoever sits at the shell. False: it was not possible."""
    from mailbot.operations.mail_queues import Outcome, QueueCommand, What, carry_out
    from mailbot.operations.ticket_commands import operator

    command = QueueCommand(What(what), str(target), operator(), now(), because)
    return opened.store.write_now(carry_out, command) is Outcome.DONE


def write_raw_mail(content: bytes | None, missing: str) -> None:
    """Write a mail byte for byte to standard output, unless that is a terminal. Exit 1 when it is missing."""
    if content is None:
        fail(missing)
    if on_terminal():
        raise click.UsageError("a raw mail can control your terminal: write it to a file (> mail.eml)")
    sys.stdout.buffer.write(content)


def deleted_text(at: datetime | None, zone: str = "UTC") -> str:
    """Return that retention deleted something, and when; "" when it did not."""
    return f"deleted by retention on {format_time(at, zone)}" if at else ""


class Row(Protocol):
    @property
    def state(self) -> str: ...

    @property
    def deleted_at(self) -> datetime | None: ...


def print_results(
    opened: OpenStore,
    find: Callable[[Connection, int], Row | None],
    ids: Sequence[int],
    done: Sequence[bool],
    *,
    success: str,
    failure: str,
    in_json: bool,
) -> None:
    """Print what became of each mail. Exit 1 when one of them could not be done. `find` reads its row."""
    results = list(zip(ids, done, strict=True))
    if in_json:
        print_json([{"id": mail_id, "done": ok} for mail_id, ok in results])
    for mail_id, ok in results:
        if not ok:
            row = opened.store.read_now(find, mail_id)
            click.echo(_failure_text(row, failure, mail_id), err=True)
        elif not in_json:
            echo(f"mail {mail_id} {success}")
    if not all(done):
        raise click.exceptions.Exit(1)


def _failure_text(row: Row | None, failure: str, mail_id: int) -> str:
    if row is None:
        return f"there is no mail {mail_id}"
    if row.deleted_at:
        return f"mail {mail_id}: its bytes were {deleted_text(row.deleted_at)}"
    return f"mail {mail_id} {failure}, it is {row.state}"


def parsed_mail(content: bytes) -> "InboundMail":
    """Parse a mail that is shown. Lists need no parser."""
    from mailbot.mail.parsing.parse import parse

    return parse(content)
