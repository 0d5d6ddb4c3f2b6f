"""A report's tables as CSV (RFC 4180), one below the other, for spreadsheets."""

import csv
import io

from mailbot.reports.figures.api import Report
from mailbot.reports.render.sections import sections, title

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet computes what begins so: customers write subjects


def csv_text(report: Report, language: str = "en") -> str:
    """Return the title, and each table under its own, an empty line between them."""
    written = io.StringIO()
    write = csv.writer(written)
    write.writerow([title(report, language)])
    for section in sections(report, language):
        write.writerows([[], [section.title], section.heads, *map(_safe, section.rows)])
    return written.getvalue()


def _safe(row: tuple[str, ...]) -> list[str]:
    return [f"'{cell}" if cell.startswith(FORMULA) and len(cell) > 1 else cell for cell in row]
