"""What people and programs get to see: clean text, tables and colour on a terminal alone, JSON, complaints.

Everything that may come from a mail passes `clean` or `block` before it is printed: a subject must not move
the cursor, change colours or turn the line around (terminal injection).
"""

import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any
from unicodedata import category
from zoneinfo import ZoneInfo

import click

from mailbot.domain.actor import Actor
from mailbot.domain.reasons import NO_REASON, Reason
from mailbot.errors import Problem

LINE = 200  # characters of a value that stands on one line
BLOCK = 8_000  # characters of a text with lines of its own
NARROW = 110  # columns of a terminal
LONG = {"customer", "subject", "from", "to", "why", "reason", "answer", ""}  # columns that may be cut
FORMULA = frozenset("=+-@")
Rows = Sequence[Sequence[object]]


def clean(text: object, longest: int = LINE) -> str:
    """`text` on one line: white space as single spaces, controls as one sign, direction marks gone."""
    words = " ".join(str(text)[: longest * 4].split())
    shown = words if words.isprintable() else "".join(map(_visible, words))
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def clean_block(text: str, longest: int = BLOCK) -> str:
    """The same for a text that keeps its lines."""
    lines = text[:longest].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    shown = "\n".join("".join(map(_visible, echo.expandtabs(4))).rstrip() for echo in lines).strip("\n")
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
    """A line of ours, in colour on a terminal. What comes from mail inside it must be clean already."""
    click.secho(text, **style) if style and on_terminal() else click.echo(text)


def print_title(text: str) -> None:
    echo(text, bold=True)


def print_table(heads: Sequence[str], rows: Rows, *, empty: str = "", spare: Sequence[str] = ()) -> None:
    """A table on a terminal, tab-separated lines under the heads elsewhere. Cells are cleaned here.

    `spare` columns are left out where a terminal is narrow; what is long is cut there, one line a row.
    """
    if not rows:
        if empty and on_terminal():
            echo(empty)
        return
    cells = [[clean("" if value is None else value) for value in row] for row in rows]
    if on_terminal():
        _drawn(heads, cells, spare)
        return
    for row in [list(heads), *cells]:
        echo("\t".join(map(escape_formula, row)))


def escape_formula(cell: str) -> str:
    """A spreadsheet computes what begins like a formula, and a subject may: an apostrophe makes it text."""
    is_number = cell[:1] in ("+", "-") and cell[1:].isdecimal()
    return f"'{cell}" if cell[:1] in FORMULA and not is_number else cell


def _drawn(heads: Sequence[str], cells: list[list[str]], spare: Sequence[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(markup=False, highlight=False, emoji=False)
    shown = [n for n, head in enumerate(heads) if console.width >= NARROW or head not in spare]
    drawn = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for n in shown:
        drawn.add_column(heads[n], no_wrap=heads[n] not in LONG)
    for row in cells:  # Text: brackets in a subject are no markup
        drawn.add_row(*(Text(row[n], no_wrap=True, overflow="ellipsis") for n in shown))
    console.print(drawn)


def print_facts(pairs: Iterable[tuple[str, object]], indent: str = "  ") -> None:
    """Names and values in two columns; what is empty is left out."""
    shown = [(name, clean(value)) for name, value in pairs if value not in (None, "", (), [], NO_REASON)]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        echo(f"{indent}{_dim(name.ljust(width))}  {value}")


def _dim(text: str) -> str:
    return click.style(text, dim=True) if on_terminal() else text


def print_json(value: Any) -> None:
    """One JSON value, nothing else. ASCII only: it moves no terminal and no locale breaks it."""
    json.dump(to_json(value), sys.stdout, indent=2)
    click.echo()


def to_json(value: Any) -> Any:
    """Dataclasses, moments, spans and enums as JSON values: ISO 8601 in UTC, seconds."""
    match value:
        case Actor() | Reason():
            return str(value)
        case Enum():
            return value.value
        case datetime():
            return value.astimezone(UTC).isoformat()
        case timedelta():
            return value.total_seconds()
        case Mapping():
            return {str(key): to_json(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [to_json(each) for each in value]
        case _ if dataclasses.is_dataclass(value):
            return {each.name: to_json(getattr(value, each.name)) for each in dataclasses.fields(value)}
    return value


def print_error(text: str) -> None:
    """To standard error; the first line in red on a terminal."""
    first, _, rest = clean_block(text).partition("\n")
    click.secho(f"mailbot: {first}", err=True, fg="red")
    if rest:
        click.echo(rest, err=True)


def print_problems(found: Iterable[Problem], *, remark: bool = False) -> None:
    """Problems with their line and a caret, to standard error."""
    listed = list(found)
    for problem in listed:
        first, _, rest = clean_block(str(problem)).partition("\n")
        click.secho(f"{first}", err=True, fg="yellow" if remark else "red")
        if rest:
            click.echo(rest, err=True)
    if not remark:
        count = len(listed)
        click.echo(f"{count} problem{'s' * (count != 1)}: the configuration can't be used.", err=True)


def format_time(at: datetime | None, zone: str = "UTC") -> str:
    """A moment on the wall clock of a zone: "Sat 2026-11-21 14:05:09 WIB"."""
    return "" if at is None else f"{at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M:%S %Z}"


def format_short_time(at: datetime | None, zone: str) -> str:
    """The same for a column: "2026-11-21 14:05"."""
    return "" if at is None else f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def format_duration(length: timedelta) -> str:
    """The two largest units: "2 h 5 min", "45 s", "80 ms"."""
    seconds = abs(length).total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds else "0 s"
    if seconds < 10 and seconds % 1:
        return f"{seconds:.1f} s"
    parts = []
    left = int(seconds)
    for unit, format_size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, format_size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def format_size(octets: int) -> str:
    """Bytes for people: "812 B", "3.4 MB"."""
    amount = float(octets)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
