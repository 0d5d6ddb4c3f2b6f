"""`mailbot webhooks secret, schema`: what receivers need, made without the store."""

import secrets
from base64 import b64encode

import click

from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import clean, echo, print_json
from mailbot.domain.webhooks.event_types import NAMES

BYTES = 32


@click.command("secret")
@standard_options
def secret(in_json: bool) -> None:
    """Make a secret and print it this once. Give it to the daemon and to the receiver.

    While you change it, give the daemon both, the new one first, with a space between: it signs by both.
    """
    made = f"whsec_{b64encode(secrets.token_bytes(BYTES)).decode()}"
    if in_json:
        print_json({"secret": made})
    else:
        echo(made)


@click.command("schema")
@click.option("--event", "name", default="", metavar="TYPE", help="Only of such messages: ticket.opened.")
@standard_options
def schema(name: str, in_json: bool) -> None:
    """Print the JSON Schema (draft 2020-12) of the messages; --json prints it with a line for each value."""
    from mailbot.views import webhook_schema  # with the types of everything

    if name and name not in NAMES:
        hint = f"there are: {', '.join(NAMES)}"
        raise click.BadParameter(f"no event is {clean(name)!r}; {hint}", param_hint="--event")
    found = webhook_schema.schema(name)
    if in_json:
        print_json(found)
    else:
        echo(webhook_schema.schema_text(found).rstrip("\n"))
