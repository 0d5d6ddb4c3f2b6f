"""What commands print: clean text, tables, facts, problems, wrapped on a terminal at its width; and JSON.

Bold is a ticket's number or a title, red what is late or has failed. Other colours are hard to read on white.
Everything that may come from a mail passes `clean` or `clean_block` before it is printed. A subject must not
move the cursor, change colours or turn the line around (terminal injection).
"""

import json
import re
import sys
import textwrap
from collections.abc import Collection, Iterable, Sequence
from shutil import get_terminal_size
from typing import Any

import click

from mailbot.domain.reasons import NO_REASON
from mailbot.errors import Problem
from mailbot.views.clean_text import BLOCK
from mailbot.views.clean_text import clean as clean
from mailbot.views.clean_text import clean_block as clean_block
from mailbot.views.formats import count_text
from mailbot.views.json_form import to_json

FACT = 600  # of a value beside its name, which is wrapped
LABELS = 9  # columns of the names of facts, at least
NARROW = 110  # columns of a terminal
CUT_COLUMNS = {
    "customer",
    "subject",
    "from",
    "to",
    "why",
    "reason",
    "answer",
    "found",
    "",
}  # too long for a terminal
BAD = re.compile(r"\bLATE\b|failed|parked")  # red in the columns of STATES
STATES = {"due", "promise", "state"}
FORMULA = frozenset("=+-@")


def on_terminal() -> bool:
    return sys.stdout.isatty()


def echo(text: str = "", **style: Any) -> None:
    """Print a line, in colour on a terminal. What comes from mail inside it must be clean already."""
    click.secho(text, **style) if any(style.values()) and on_terminal() else click.echo(text)


def terminal_width() -> int:
    """Return the columns of the terminal; 0 elsewhere, where nothing is wrapped."""
    return get_terminal_size().columns if on_terminal() else 0


def wrap(text: str, hang: str = "  ") -> list[str]:
    """Break a text at the terminal's width, never inside a word; `hang` goes before all lines but the first."""
    width = terminal_width()
    if not width or len(text) <= width:
        return [text]
    room = max(width, 2 * len(hang))
    lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False, subsequent_indent=hang)
    return lines or [text]


def echo_wrapped(text: str, hang: int = 2, **style: Any) -> None:
    """Print a line; a terminal gets it wrapped at its width, further lines `hang` columns behind its indent."""
    echo_hanging(text, len(text) - len(text.lstrip()) + hang, **style)


def echo_hanging(text: str, column: int, **style: Any) -> None:
    """Print a line, on a terminal wrapped at its width; further lines begin in `column`."""
    for line in wrap(text, " " * column):
        echo(line, **style)


def print_title(text: str) -> None:
    echo(text, bold=True)


def print_block(text: str, longest: int = BLOCK) -> None:
    """Print the text of a mail, each line behind a bar."""
    for line in clean_block(text, longest).split("\n"):
        for part in wrap(f"    | {line}".rstrip(), "    | "):
            echo(part)


def print_table(
    heads: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    empty: str = "",
    spare: Sequence[str] = (),
    limit: int = 0,
) -> None:
    """Print a table on a terminal, elsewhere tab-separated lines under the heads. Cells are cleaned here.

    A terminal shows `empty` where there are no rows, leaves the columns `spare` out when it is narrow, cuts
    long cells, and adds a note when `limit` has cut the rows.
    """
    cells = [[clean("" if value is None else value) for value in row] for row in rows]
    if not on_terminal():
        for row in [list(heads), *cells] if cells else []:
            echo("\t".join(map(escape_formula, row)))
    elif not cells:
        if empty:
            echo(empty)
    else:
        _draw(heads, cells, spare)
        if len(cells) == limit:
            echo(f"The newest {limit}. --limit shows more.")


def escape_formula(cell: str) -> str:
    """Put an apostrophe before a cell that a spreadsheet would compute: a subject may begin with "="."""
    is_number = cell[:1] in ("+", "-") and cell[1:].isdecimal()
    return f"'{cell}" if cell[:1] in FORMULA and not is_number else cell


def _draw(heads: Sequence[str], cells: list[list[str]], spare: Sequence[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(markup=False, highlight=False, emoji=False)
    shown = [n for n, head in enumerate(heads) if console.width >= NARROW or head not in spare]
    table = Table(
        box=box.SIMPLE_HEAD, header_style="bold", show_edge=False, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for n in shown:
        table.add_column(heads[n], no_wrap=heads[n] not in CUT_COLUMNS)
    for row in cells:  # Text: brackets in a subject are no markup
        styles = [_style(heads[n], row[n]) for n in shown]
        texts = (
            Text(row[n], style, no_wrap=True, overflow="ellipsis")
            for n, style in zip(shown, styles, strict=True)
        )
        table.add_row(*texts)
    console.print(table)


def _style(head: str, cell: str) -> str:
    if head == "number":
        return "bold"
    return "red" if head in STATES and BAD.search(cell) else ""


def print_facts(
    pairs: Iterable[tuple[str, object]],
    indent: str = "  ",
    *,
    labels: int = LABELS,
    red: Collection[str] = (),
) -> None:
    """Print names and values in two columns; a name that comes again stands once.

    Empty values are left out; those named by `red` are late or failed.
    """
    shown = [
        (name, clean(value, FACT)) for name, value in pairs if value not in (None, "", (), [], NO_REASON)
    ]
    width = max((len(name) for name, _ in shown), default=0)
    width = max(width, labels)
    for (name, value), (before, _) in zip(shown, [("", ""), *shown], strict=False):
        text = f"{indent}{(name if name != before else '').ljust(width)}  {value}"
        echo_hanging(text, len(indent) + width + 2, fg="red" if name in red else None)


def print_error(text: str) -> None:
    """Print to standard error, the first line in red on a terminal."""
    first, _, rest = clean_block(text).partition("\n")
    click.secho(f"mailbot: {first}", err=True, fg="red")
    if rest:
        click.echo(rest, err=True)


def print_problems(problems: Sequence[Problem], *, warnings: bool = False) -> None:
    """Print problems with their line and a caret to standard error."""
    for problem in problems:
        first, _, rest = clean_block(str(problem)).partition("\n")
        click.secho(first, err=True, fg=None if warnings else "red")
        if rest:
            click.echo(rest, err=True)
    if not warnings:
        click.echo(f"{count_text(len(problems), 'problem')}: the configuration can't be used.", err=True)


def print_json(value: Any, **selection: Any) -> None:
    """Print one JSON value; `selection` is that of `to_json`. ASCII only: no terminal or locale breaks it."""
    json.dump(to_json(value, **selection), sys.stdout, indent=2)
    click.echo()
