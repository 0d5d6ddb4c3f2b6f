"""`mailbot report`: the figures of a period, for people, programs, browsers and meetings."""

import sys
from pathlib import Path

import click

from mailbot.cli.shared import since as typed
from mailbot.cli.shared.open_store import OpenStore, now, open_store
from mailbot.cli.shared.options import config_option
from mailbot.cli.shared.output import echo, on_terminal, to_json
from mailbot.reports import read
from mailbot.reports.figures.api import Period, Report

FORMATS = ("text", "json", "html", "png")
BINARY = frozenset({"png"})


@click.command()
@click.option("--since", default="7d", show_default=True, metavar="WHEN", help="30d, 12h, 2026-11-01, ...")
@click.option("--until", metavar="WHEN", help="The same; a date is its first moment. Else now.")
@click.option("--team", default="", metavar="NAME", help="What happened while this team had the ticket.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--json", "in_json", is_flag=True, help="The same as --format json.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file to write to.")
@click.option("--language", type=click.Choice(("en", "id")), default="en", show_default=True)
@config_option
def report(
    since: str, until: str | None, team: str, form: str, in_json: bool, output: Path | None, language: str
) -> None:
    """Times, promises kept, satisfaction, escalations, reopened, backlog, load, compensation, and what is
    rising, from the recorded events; each beside the period of the same length before.

    A period begins with --since and ends before --until; dates are days of the first calendar's zone.
    """
    form = "json" if in_json else form
    if form in BINARY and output is None and on_terminal():
        raise click.UsageError("a picture is no text for a terminal: --output report.png")
    with open_store() as at:
        if team and team not in at.policy.teams:
            raise click.BadParameter(f"there is no team {team!r}", param_hint="--team")
        period = typed.parse_period(since, until, now(), at.zone(), "--since --until")
        made = _made(at, period, team)
    _write(_told(made, form, language), output)


def _made(at: OpenStore, period: Period, team: str) -> Report:
    if not sys.stderr.isatty():
        return at.store.read_now(read.report, period, at.policy, now(), team)
    from rich.console import Console

    with Console(stderr=True).status("reading the events ..."):
        return at.store.read_now(read.report, period, at.policy, now(), team)


def _told(made: Report, form: str, language: str) -> str | bytes:
    from mailbot.reports import render

    match form:
        case "html":
            return render.page(made, language)
        case "png":
            return render.poster(made, language).png()
        case "json":
            import json

            return json.dumps(to_json(render.shape(made)), indent=2) + "\n"
    return render.text(made, language)


def _write(told: str | bytes, output: Path | None) -> None:
    if output is not None:
        try:
            output.write_bytes(told.encode() if isinstance(told, str) else told)
        except OSError as error:
            raise click.UsageError(f"{output} can't be written: {error.strerror}") from error
        echo(f"wrote {output}")
    elif isinstance(told, bytes):
        sys.stdout.buffer.write(told)
    else:
        click.echo(told, nl=False)
