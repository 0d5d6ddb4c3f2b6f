"""A report as plain text: columns of a fixed width, for a terminal, a file or a mail."""

import unicodedata
from collections.abc import Sequence

from mailbot.reports.figures.api import Report
from mailbot.reports.render.sections import Section, compared, sections, title
from mailbot.reports.render.summary import summary


def text(report: Report, language: str = "en") -> str:
    """Render the title and three sentences, then every table under its own title."""
    parts = [title(report, language), compared(report, language), "", *summary(report, language), ""]
    for section in sections(report, language):
        parts += [section.title, "-" * _width(section.title), *lines(section), ""]
    return "\n".join(parts)


def lines(section: Section) -> list[str]:
    """Format the heads and rows of a table, names to the left, numbers to the right."""
    rows = [section.heads, *section.rows]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return [_line(row, widths, section.names) for row in rows]


def _line(row: Sequence[str], widths: Sequence[int], names: int) -> str:
    cells = []
    for index, (cell, width) in enumerate(zip(row, widths, strict=True)):
        pad = " " * (width - _width(cell))
        cells.append(cell + pad if index < names else pad + cell)
    return "  ".join(cells).rstrip()


def _width(cell: str) -> int:
    """Count columns of a terminal: East Asian letters take two, combining marks none."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in cell)
    return len(cell) + wide - sum(map(bool, map(unicodedata.combining, cell)))
