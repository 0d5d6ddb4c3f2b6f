"""`mailbot init` and `mailbot check`: a configuration to start from, and every problem in one at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailbot.cli.shared import output
from mailbot.cli.shared.options import config_directory, config_option, json_option
from mailbot.errors import ConfigError, Problem

if TYPE_CHECKING:  # pydantic and all: only when a configuration is read
    from mailbot.config.api import Settings


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def init(directory: Path) -> None:
    """Write a commented, working configuration and the templates to DIR. Nothing is ever overwritten."""
    from mailbot.config.api import init as write

    try:
        done = write(directory)
    except OSError as error:
        output.print_error(
            f"{error.filename or directory}: {error.strerror}\nNothing that was there has been changed."
        )
        raise click.exceptions.Exit(1) from error
    _tell("wrote", done.written, directory)
    _tell("left as it was:", done.left, directory)
    output.echo(
        f"\nNext: put your own addresses into {output.clean(directory)}/mailbot.yaml and teams.yaml, then"
    )
    output.echo(f"  mailbot check --config {output.clean(directory)}")
    output.echo(f"  mailbot run --config {output.clean(directory)}")


def _tell(what: str, paths: Sequence[Path], directory: Path) -> None:
    """The YAML files one by one, the many templates as one line."""
    templates = [path for path in paths if path.parent != directory]
    for path in paths:
        if path not in templates:
            output.echo(f"{what} {output.clean(path)}")
    if templates:
        output.echo(f"{what} {output.clean(directory / 'templates')}: {len(templates)} files")


@click.command()
@click.option(
    "--schema", metavar="NAME", help="Print the JSON Schema of mailbot, teams, routing or escalation."
)
@click.option("--dkim-record", is_flag=True, help="Print the DNS record of our DKIM key, for a zone file.")
@config_option
@json_option
@click.pass_context
def check(ctx: click.Context, schema: str | None, dkim_record: bool, in_json: bool) -> None:
    """Validate all of it: YAML, rules, ladders, calendars, templates, and run the tests beside the rules.
    Exit 78 with every problem at once."""
    if schema is not None:
        _schema(schema)
        return
    from mailbot.cli.shared.open_store import fail, validate_configuration

    try:
        loaded, _ = validate_configuration()
    except ConfigError as refusal:
        if not in_json:
            raise
        output.print_json(
            {"ok": False, "policy": None, "problems": _shapes(refusal.problems), "warnings": []}
        )
        ctx.exit(78)
    record = _dkim_record(loaded.settings)
    if dkim_record:
        if not record:
            fail("there is no DKIM key here\nIt needs `dkim:` in mailbot.yaml, and MAILBOT_DKIM_KEY_FILE=...")
        output.echo(record)
        return
    if in_json:
        version = loaded.policy.version
        output.print_json(
            {"ok": True, "policy": version, "problems": [], "warnings": _shapes(loaded.warnings)}
        )
        return
    output.print_problems(loaded.warnings, remark=True)
    policy = loaded.policy
    counts = ((len(policy.rules), "rule"), (len(policy.teams), "team"), (len(policy.agents), "agent"))
    more = (
        (len(policy.ladders), "ladder"),
        (len(policy.calendars), "calendar"),
        (len(policy.mailboxes), "mailbox"),
        (len(loaded.tests), "test"),
    )
    listed = ", ".join(f"{count} {_plural(name, count)}" for count, name in counts + more)
    output.echo(
        f"{output.clean(config_directory(ctx))} is fine: {listed}; policy {policy.version}", fg="green"
    )
    if record:
        output.echo(f"mail is signed; receivers look for this record in the DNS:\n{record}")


def _dkim_record(settings: "Settings") -> str:
    """As a line for a zone file; "" when nothing is signed, or the key is not here."""
    from mailbot.workers.runtime import signer

    found = signer(settings.dkim)
    return found.zone_line() if found else ""


def _plural(name: str, count: int) -> str:
    return name if count == 1 else f"{name}{'es' if name.endswith('x') else 's'}"


def _schema(name: str) -> None:
    from mailbot.config.api import schema

    try:
        output.print_json(schema(name))
    except KeyError:
        known = "mailbot, teams, routing, escalation"
        raise click.UsageError(f"there is no schema {output.clean(name)!r}; there are {known}") from None


def _shapes(found: tuple[Problem, ...]) -> list[dict[str, Any]]:
    names = ("file", "line", "column", "message", "hint", "excerpt")
    return [{name: getattr(problem, name) for name in names} for problem in found]
