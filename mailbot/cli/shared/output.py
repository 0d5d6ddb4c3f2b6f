"""What commands print for people: clean text, tables and colour on a terminal, problems.

Everything that may come from a mail passes `clean` or `clean_block` before it is printed. A subject must not
move the cursor, change colours or turn the line around (terminal injection).
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Any
from unicodedata import category

import click

from mailbot.cli.shared.formats import count_text
from mailbot.domain.reasons import NO_REASON
from mailbot.errors import Problem

LINE = 200  # characters of a value on one line
BLOCK = 8_000  # characters of a text with several lines
NARROW = 110  # columns of a terminal
CUT_COLUMNS = {"customer", "subject", "from", "to", "why", "reason", "answer", ""}  # too long for a terminal
FORMULA = frozenset("=+-@")


def clean(text: object, longest: int = LINE) -> str:
    """Return `text` on one line: white space as single spaces, controls as one sign, direction marks gone."""
    words = " ".join(str(text)[: longest * 4].split())
    shown = words if words.isprintable() else "".join(map(_visible, words))
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def clean_block(text: str, longest: int = BLOCK) -> str:
    """Do the same for a text that keeps its lines."""
    lines = text[:longest].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    shown = "\n".join("".join(map(_visible, line.expandtabs(4))).rstrip() for line in lines).strip("\n")
    return shown if len(text) <= longest else f"{shown}\n[… {len(text) - longest:,} more characters]"


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    kind = category(char)
    if kind == "Zs":
        return " "
    return "" if kind == "Cf" else "\N{REPLACEMENT CHARACTER}"  # Cf: bidirectional and zero-width marks


def on_terminal() -> bool:
    return sys.stdout.isatty()


def echo(text: str = "", **style: Any) -> None:
    """Print a line, in colour on a terminal. What comes from mail inside it must be clean already."""
    click.secho(text, **style) if style and on_terminal() else click.echo(text)


def echo_wrapped(text: str, hang: int = 2, **style: Any) -> None:
    """Print a line; a terminal gets it wrapped at its width, further lines `hang` columns behind its indent."""
    if not on_terminal():
        echo(text)
        return
    from shutil import get_terminal_size
    from textwrap import fill

    inner = " " * (len(text) - len(text.lstrip()) + hang)
    width = get_terminal_size().columns
    wrapped = fill(text, width, subsequent_indent=inner, break_long_words=False, break_on_hyphens=False)
    echo(wrapped, **style)


def print_title(text: str) -> None:
    echo(text, bold=True)


def print_block(text: str, longest: int = BLOCK) -> None:
    """Print the text of a mail, each line behind a bar."""
    for line in clean_block(text, longest).split("\n"):
        echo(f"    | {line}".rstrip())


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
            echo(f"The newest {limit}. --limit shows more.", dim=True)


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
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for n in shown:
        table.add_column(heads[n], no_wrap=heads[n] not in CUT_COLUMNS)
    for row in cells:  # Text: brackets in a subject are no markup
        table.add_row(*(Text(row[n], no_wrap=True, overflow="ellipsis") for n in shown))
    console.print(table)


def print_facts(pairs: Iterable[tuple[str, object]], indent: str = "  ") -> None:
    """Print names and values in two columns. Empty values are left out."""
    shown = [(name, clean(value)) for name, value in pairs if value not in (None, "", (), [], NO_REASON)]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        label = name.ljust(width)
        echo(f"{indent}{click.style(label, dim=True) if on_terminal() else label}  {value}")


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
        click.secho(first, err=True, fg="yellow" if warnings else "red")
        if rest:
            click.echo(rest, err=True)
    if not warnings:
        click.echo(f"{count_text(len(problems), 'problem')}: the configuration can't be used.", err=True)
