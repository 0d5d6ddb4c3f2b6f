"""`mailbot ticket attachment`: a file that came in a mail on the ticket."""

import sys
from pathlib import Path

import click

from mailbot.cli.shared.complete_stored import complete_number
from mailbot.cli.shared.open_store import fail, open_store
from mailbot.cli.shared.options import config_option
from mailbot.cli.shared.output import clean, print_table
from mailbot.cli.shared.rows import deleted_text
from mailbot.cli.shared.ticket_lookup import find_ticket
from mailbot.store import conversation
from mailbot.views.formats import format_size


@click.command()
@click.argument("number", shell_complete=complete_number)
@click.argument("position", metavar="[N]", type=click.IntRange(1), required=False)
@click.option("-o", "--output", metavar="FILE", help="Where to write it; - for standard output.")
@config_option
def attachment(number: str, position: int | None, output: str | None) -> None:
    """Write file N of ticket NUMBER to FILE. Without N: list the files.

    An existing file is never overwritten.
    """
    with open_store() as opened:
        name = find_ticket(opened, (number,)).number
        files = opened.store.read_now(conversation.files_of, [name]).get(name, [])
        if position is None:
            rows = [
                (
                    each.position,
                    clean(each.name),
                    each.type,
                    format_size(each.size),
                    deleted_text(each.deleted_at),
                )
                for each in files
            ]
            print_table(("", "name", "type", "size", ""), rows, empty=f"no mail on {name} has files")
            return
        if position > len(files):
            fail(f"{name} has {len(files)} files: `mailbot ticket attachment {name}` lists them")
        if not output:
            raise click.UsageError("say where to write it: -o FILE, or -o - for standard output")
        wanted = files[position - 1]
        if wanted.deleted_at:
            fail(f"the content of file {position} was {deleted_text(wanted.deleted_at)}")
        content = opened.store.read_now(conversation.contents_of, [wanted.digest]).get(wanted.digest)
        if content is None:
            fail("the content of this file is missing")
    _write(content, output)


def _write(content: bytes, output: str) -> None:
    if output == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        with Path(output).open("xb") as file:
            file.write(content)
    except FileExistsError:
        fail(f"{output} exists: choose another name")
    except OSError as error:
        fail(f"can't write {output}: {error.strerror}")
