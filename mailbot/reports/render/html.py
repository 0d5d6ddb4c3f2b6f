"""A report as HTML: a page of its own with charts inside, and the part inside a mail.

Every text is escaped. There is no script, and nothing is loaded.
"""

from collections.abc import Sequence
from html import escape

from mailbot.reports.charts import picture
from mailbot.reports.figures.api import Report
from mailbot.reports.render.charts import charts
from mailbot.reports.render.sections import Section, compared, sections, title

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222 }
body { max-width: 1000px; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.4em } h2 { font-size: 1.1em; margin: 2em 0 .4em } p { color: #666 }
table { border-collapse: collapse } th { text-align: left; font-weight: 600; border-bottom: 1px solid #888 }
th, td { padding: .2em 1em .2em 0; vertical-align: top } tr:nth-child(even) td { background: #f6f6f6 }
.n { text-align: right; font-variant-numeric: tabular-nums } .charts svg { margin: 1em 1em 0 0 }
@media print { body { margin: 0 } section, svg { break-inside: avoid } }
""".strip()
_META = """
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
""".strip()
_CELL = "padding:2px 12px 2px 0"


def page(report: Report, language: str = "en") -> str:
    """Render one file with tables and charts."""
    head = escape(title(report, language))
    drawn = "\n".join(picture(chart, 480, 260).svg() for chart in charts(report, language))
    tables = "\n".join(_section(each) for each in sections(report, language))
    lang = "id" if language == "id" else "en"
    return (
        f'<!doctype html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n{_META}\n'
        f"<title>{head}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<h1>{head}</h1>\n"
        f"<p>{escape(compared(report, language))}</p>\n"
        f'<div class="charts">\n{drawn}</div>\n{tables}\n</body>\n</html>\n'
    )


def for_mail(report: Report, language: str = "en") -> str:
    """Render the content of <body> for a mail: tables alone, with inline styles."""
    parts = [f"<p><b>{escape(title(report, language))}</b><br>{escape(compared(report, language))}</p>"]
    parts += (_section(each, styled=True) for each in sections(report, language))
    return "\n".join(parts)


def _section(section: Section, *, styled: bool = False) -> str:
    inline = [f' style="{_CELL};text-align:{side}"' for side in ("left", "right")]
    look = inline if styled else ["", ' class="n"']

    def cells(element: str, row: Sequence[str]) -> str:
        looks = [look[index >= section.names] for index in range(len(row))]
        found = zip(looks, row, strict=True)
        return f"<tr>{''.join(f'<{element}{each}>{escape(cell)}</{element}>' for each, cell in found)}</tr>"

    rows = "\n".join(cells("td", row) for row in section.rows)
    return (
        f"<section>\n<h2>{escape(section.title)}</h2>\n<table>\n<thead>{cells('th', section.heads)}</thead>\n"
        f"<tbody>\n{rows}\n</tbody>\n</table>\n</section>"
    )
