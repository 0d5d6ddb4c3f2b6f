"""The report's tables and charts for a page. Each number leads to the tickets that it counts."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from markupsafe import Markup

from mailbot.console.board.figures import Made
from mailbot.console.render import Reader
from mailbot.domain.acts.holds import name_of
from mailbot.domain.day.standing import State
from mailbot.store.lists.ratings import Rating
from mailbot.views.json_form import to_json

if TYPE_CHECKING:  # the daemon starts without it
    from mailbot.reports.render.sections import Section

LATELY = ("escalations", "channels", "marks_of", "closing_causes", "actions", "causes")
NARROW, HIGH = 340, 220  # of a chart: a phone's width, also on a wide screen
FILES: Mapping[str, str] = {"json": "application/json", "csv": "text/csv"}  # forms of a download

Link = Callable[[tuple[str, ...]], str]


@dataclass(frozen=True, slots=True)
class Lately:
    """What the board shows of a report. `link`: where the number of a figure leads."""

    made_at: datetime
    tables: "Sequence[Section]"
    low: Sequence[Rating]
    link: Link


def lately(made: Made, reader: Reader) -> Lately:
    """Return the tables of the board; of the causes only those that rise."""
    from mailbot.reports.render.sections import sections

    tables = sections(made.report, reader.language, LATELY[:-1])
    causes = sections(made.report, reader.language, LATELY[-1:])
    rising = [replace(each, rows=tuple(row for row in each.rows if row[-1])) for each in causes]
    return Lately(
        made.report.made_at, [*tables, *(each for each in rising if each.rows)], made.low, link(made)
    )


def link(made: Made) -> Link:
    """Return how the address behind a number is written: of the report as it was made."""
    query = made.asked.query(made.report.made_at)
    return lambda key: f"/board/tickets?{urlencode([*query, *(('figure', part) for part in key)])}"


async def values(made: Made, reader: Reader) -> dict[str, Any]:
    """Return what `board/report.html` reads, drawn on a thread."""
    return await asyncio.to_thread(_values, made, reader.language)


def _values(made: Made, language: str) -> dict[str, Any]:
    from mailbot.reports.charts import picture
    from mailbot.reports.render.charts import charts
    from mailbot.reports.render.sections import compared, sections, title
    from mailbot.reports.render.summary import summary

    drawn = (picture(chart, NARROW, HIGH) for chart in charts(made.report, language))
    return {
        "made_at": made.report.made_at,
        "title": title(made.report, language),
        "compared": compared(made.report, language),
        "summary": summary(made.report, language),
        "tables": sections(made.report, language),
        "charts": [Markup(each.svg("", link(made))) for each in drawn],
        "link": link(made),
    }


def as_file(made: Made, form: str, language: str) -> str:
    """Render the report as one of FILES."""
    from mailbot.reports import render

    if form == "csv":
        return render.csv_text(made.report, language)
    return json.dumps(to_json(render.shape(made.report)), indent=2) + "\n"


def title_of(made: Made, key: tuple[str, ...], reader: Reader) -> str:
    """Return the heading of the list behind a figure."""
    from mailbot.reports.render.figure_names import figure_name
    from mailbot.reports.render.translations import stretch

    name = figure_name(made.report, key, reader.language)
    return f"{name}, {stretch(made.report.period, reader.language)}"


def title_now(state: State, wanted: Mapping[str, str], reader: Reader) -> str:
    """Return the heading of the list behind a number of now."""
    names = {
        State.OPEN: reader.t("Terbuka", "Open"),
        State.LATE: reader.t("Terlambat", "Late"),
        State.SOON: reader.t("Janji hampir habis", "Promise at risk"),
        State.UNASSIGNED: reader.t("Belum ada pemilik", "Without an owner"),
        State.CUSTOMER: reader.t("Menunggu pelanggan", "Waiting for the customer"),
        State.THIRD_PARTY: reader.t("Menunggu pihak ketiga", "Waiting for a third party"),
    }
    narrowed = [
        *(reader.label(kind, wanted[kind]) for kind in ("team", "level") if wanted.get(kind)),
        *([name_of(wanted["agent"], reader.policy)] if wanted.get("agent") else []),
    ]
    return ": ".join(filter(None, (names[state], ", ".join(narrowed))))
