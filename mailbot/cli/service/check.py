"""`mailbot check`: every problem of a configuration at once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from mailbot.cli.shared.config_place import config_directory
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import clean, echo, print_json, print_problems
from mailbot.errors import ConfigError, Problem
from mailbot.views.formats import count_text
from mailbot.views.json_form import to_json

if TYPE_CHECKING:  # pydantic and all: only when a configuration is read
    from mailbot.config.api import Loaded
    from mailbot.domain.policy import Policy


@click.command()
@click.option(
    "--schema", metavar="NAME", help="Print the JSON Schema of mailbot, teams, routing or escalation."
)
@click.option("--dkim-record", is_flag=True, help="Print the DNS record of our DKIM key, for a zone file.")
@standard_options
@click.pass_context
def check(ctx: click.Context, schema: str | None, dkim_record: bool, in_json: bool) -> None:
    """Validate YAML, rules, ladders, calendars and templates, and run the tests of the rules.

    Exit 78 with every problem at once.
    """
    if schema is not None:
        _print_schema(schema)
        return
    from mailbot.cli.shared.open_store import fail, validate_configuration
    from mailbot.config import shipped
    from mailbot.config.checks.first_steps import find_remarks
    from mailbot.mail.compose import macros
    from mailbot.mail.compose.template_differences import find_differences

    try:
        loaded, templates = validate_configuration()
    except ConfigError as refusal:
        if not in_json:
            raise
        print_json({"ok": False, "policy": None, **_problems_json(refusal.problems, ())})
        ctx.exit(78)
    record = _dkim_record(loaded)
    if dkim_record:
        echo(
            record or fail("there is no DKIM key\nSet `dkim:` in mailbot.yaml, and MAILBOT_DKIM_KEY_FILE=...")
        )
        return
    folder = loaded.settings.templates
    warnings = (*loaded.warnings, *loaded.unlabelled, *find_remarks(loaded), *find_differences(folder))
    if folder != shipped.templates():  # those fit the shipped routing.yaml, whatever this one is
        warnings += tuple(macros.find_unknown(templates.macros, loaded.policy))
    if in_json:
        print_json({"ok": True, "policy": loaded.policy.version, **_problems_json((), warnings)})
    else:
        print_problems(warnings, warnings=True)
        _print_counts(clean(config_directory(ctx)), loaded)
        _print_passed_on(loaded.policy)
        if record:
            echo(f"mail is signed; receivers look for this record in the DNS:\n{record}")


def _print_counts(directory: str, loaded: "Loaded") -> None:
    policy = loaded.policy
    parts = {
        "rule": policy.rules,
        "team": policy.teams,
        "agent": policy.agents,
        "ladder": policy.ladders,
        "calendar": policy.calendars,
        "mailbox": policy.mailboxes,
        "test": loaded.tests,
    }
    counts = ", ".join(count_text(len(values), noun) for noun, values in parts.items())
    echo(f"{directory} is fine: {counts}; policy {policy.version}")
    if waiting := sum(test.expected_to_fail for test in loaded.tests):
        verb = "is" if waiting == 1 else "are"
        echo(f"{count_text(waiting, 'test')} {verb} marked as expected to fail: what the rules do not do yet")


def _print_passed_on(policy: "Policy") -> None:
    """Print an example for each form and list that passes mail on."""
    for form in sorted(policy.forms):
        echo(f"a proven mail from {form} with Reply-To: rina@mail.example belongs to rina@mail.example")
    for name in sorted(policy.list_ids):
        echo(
            f"a mail with List-Id: <{name}> belongs to its author; where the list wrote its own address into From\n"
            "  and is proven, to the author in X-Original-From, X-Original-Sender or Reply-To"
        )


def _dkim_record(loaded: "Loaded") -> str:
    """Return the record as a line for a zone file, "" when nothing is signed or the key is not here."""
    from mailbot.workers.runtime import signer

    found = signer(loaded.settings.dkim)
    return found.zone_line() if found else ""


def _print_schema(name: str) -> None:
    from mailbot.config.api import schema

    try:
        print_json(schema(name))
    except KeyError:
        known = "mailbot, teams, routing, escalation"
        raise click.UsageError(f"there is no schema {clean(name)!r}; there are {known}") from None


def _problems_json(problems: Sequence[Problem], warnings: Sequence[Problem]) -> dict[str, Any]:
    names = ("file", "line", "column", "message", "hint", "excerpt")
    return {"problems": to_json(problems, only=names), "warnings": to_json(warnings, only=names)}
