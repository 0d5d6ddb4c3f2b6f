"""`mailbot report`: the figures of a period, for people, programs, browsers and presentations."""

import sys
from pathlib import Path

import click

from mailbot.cli.shared.open_store import OpenStore, now, open_store
from mailbot.cli.shared.options import config_option, parse_period
from mailbot.cli.shared.output import echo, on_terminal
from mailbot.reports import read
from mailbot.reports.figures.api import Period, Report
from mailbot.views.json_form import to_json

FORMATS = ("text", "json", "csv", "html", "png")
BINARY = frozenset({"png"})


@click.command()
@click.option("--since", default="7d", show_default=True, metavar="WHEN", help="30d, 12h, 2026-11-01, ...")
@click.option("--until", metavar="WHEN", help="The same; a date is its first moment. Default: now.")
@click.option("--team", default="", metavar="NAME", help="Only what happened while this team had the ticket.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--json", "in_json", is_flag=True, help="The same as --format json.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file to write to.")
@click.option("--language", type=click.Choice(("en", "id")), default="en", show_default=True)
@config_option
def report(
    since: str, until: str | None, team: str, form: str, in_json: bool, output: Path | None, language: str
) -> None:
    """Report the figures of a period from the recorded events, beside those of the period before it.

    They are times, targets kept, satisfaction, escalations, reopened tickets, backlog, load, compensation,
    and causes that rise. A period begins with --since and ends before --until. Dates are days in the zone
    of the first calendar.
    """
    form = "json" if in_json else form
    if form in BINARY and output is None and on_terminal():
        raise click.UsageError("a picture is no text for a terminal: --output report.png")
    with open_store() as opened:
        if team and team not in opened.policy.teams:
            raise click.BadParameter(f"there is no team {team!r}", param_hint="--team")
        period = parse_period(since, until, now(), opened.zone(), "--since --until")
        figures = _read(opened, period, team)
    _write(_render(figures, form, language), output)


def _read(opened: OpenStore, period: Period, team: str) -> Report:
    if not sys.stderr.isatty():
        return opened.store.read_now(read.report, period, opened.policy, now(), team)
    from rich.console import Console

    with Console(stderr=True).status("reading the events ..."):
        return opened.store.read_now(read.report, period, opened.policy, now(), team)


def _render(figures: Report, form: str, language: str) -> str | bytes:
    from mailbot.reports import render

    match form:
        case "html":
            return render.page(figures, language)
        case "csv":
            return render.csv_text(figures, language)
        case "png":
            return render.poster(figures, language).png()
        case "json":
            import json

            return json.dumps(to_json(render.shape(figures)), indent=2) + "\n"
    return render.text(figures, language)


def _write(content: str | bytes, output: Path | None) -> None:
    if output is not None:
        try:
            output.write_bytes(content.encode() if isinstance(content, str) else content)
        except OSError as error:
            raise click.UsageError(f"{output} can't be written: {error.strerror}") from error
        echo(f"wrote {output}")
    elif isinstance(content, bytes):
        sys.stdout.buffer.write(content)
    else:
        click.echo(content, nl=False)
