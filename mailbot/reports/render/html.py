"""A report as HTML: a page of its own with charts inside, and the part inside a mail.

Every text is escaped. There is no script, and nothing is loaded.
"""

from collections.abc import Sequence
from html import escape

from mailbot.reports.charts import picture
from mailbot.reports.figures.api import Report
from mailbot.reports.render.charts import charts
from mailbot.reports.render.sections import Section, compared, sections, title
from mailbot.reports.render.summary import summary

# Light and dark (see docs of the look): the charts' own colours are exchanged in dark mode.
_STYLE = """
:root { color-scheme: light dark; --ink: #1a1d21; --quiet: #565d66; --page: #ffffff; --line: #d9dce0 }
@media (prefers-color-scheme: dark) {
:root { --ink: #e8eaed; --quiet: #a9b0b9; --page: #16181b; --line: #3a4048 }
svg [fill="#2a6fb0"] { fill: #7db4f0 } svg [fill="#b3541e"] { fill: #e08a4f }
svg [fill="#9dc3e8"] { fill: #355c86 } svg [fill="#5b97d1"] { fill: #4f86c0 }
svg [fill="#2a6fb1"] { fill: #8fc0f5 } svg [fill="#0b3c6e"] { fill: #d3e7fc }
svg [fill="#565d66"] { fill: #a9b0b9 } svg [stroke="#d9dce0"] { stroke: #3a4048 } }
body { font: 16px/1.5 -apple-system, 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif }
body { color: var(--ink); background: var(--page); max-width: 1000px; margin: 2em auto; padding: 0 16px }
h1 { font-size: 20px; line-height: 26px } h2 { font-size: 16px; line-height: 22px; margin: 32px 0 8px }
.quiet { color: var(--quiet) } .charts svg { color: var(--ink); margin: 16px 16px 0 0; vertical-align: top }
svg { max-width: 100%; height: auto } .scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: 14px; line-height: 21px }
th { text-align: left; font-weight: 600; border-bottom: 1px solid var(--line) }
th, td { padding: 4px 16px 4px 0; vertical-align: top } .n { text-align: right; font-variant-numeric: tabular-nums }
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
    drawn = "\n".join(picture(chart, 340, 220).svg(ground="") for chart in charts(report, language))
    tables = [_section(each) for each in sections(report, language)]
    figures, rest = "\n".join(tables[:1]), "\n".join(tables[1:])  # key figures, charts, tables
    lang = "id" if language == "id" else "en"
    return (
        f'<!doctype html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n{_META}\n'
        f"<title>{head}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<h1>{head}</h1>\n"
        f'<p class="quiet">{escape(compared(report, language))}</p>\n<p>{_sentences(report, language)}</p>\n'
        f'{figures}\n<div class="charts">\n{drawn}</div>\n{rest}\n</body>\n</html>\n'
    )


def for_mail(report: Report, language: str = "en") -> str:
    """Render the content of <body> for a mail: tables alone, with inline styles."""
    parts = [f"<p><b>{escape(title(report, language))}</b><br>{escape(compared(report, language))}</p>"]
    parts.append(f"<p>{_sentences(report, language)}</p>")
    parts += (_section(each, styled=True) for each in sections(report, language))
    return "\n".join(parts)


def _sentences(report: Report, language: str) -> str:
    return "<br>\n".join(map(escape, summary(report, language)))


def _section(section: Section, *, styled: bool = False) -> str:
    inline = [f' style="{_CELL};text-align:{side}"' for side in ("left", "right")]
    look = inline if styled else ["", ' class="n"']

    def cells(element: str, row: Sequence[str]) -> str:
        looks = [look[index >= section.names] for index in range(len(row))]
        found = zip(looks, row, strict=True)
        return f"<tr>{''.join(f'<{element}{each}>{escape(cell)}</{element}>' for each, cell in found)}</tr>"

    rows = "\n".join(cells("td", row) for row in section.rows)
    return (
        f'<section>\n<h2>{escape(section.title)}</h2>\n<div class="scroll"><table>\n'
        f"<thead>{cells('th', section.heads)}</thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>\n</section>"
    )
