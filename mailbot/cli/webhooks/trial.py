"""`mailbot webhooks test`: one message to a webhook, now, from this shell."""

import asyncio
import secrets
import time

import click

from mailbot.cli.shared.open_store import fail, load_to_decide, now
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import clean, echo, print_json
from mailbot.cli.shared.ticket_lookup import suggest_name
from mailbot.config.model import Webhook


@click.command("test")
@click.argument("name")
@standard_options
def trial(name: str, in_json: bool) -> None:
    """Send a message of the type `webhook.test` to NAME, signed as all others, and show the answer.

    It goes out from this shell, which needs the secret: sudo -E, or with the daemon's credentials.
    """
    configured = {each.name: each for each in load_to_decide().settings.webhooks}
    if name not in configured:
        fail(f"no webhook is named {clean(name)}{suggest_name(name, configured)}")
    webhook = configured[name]
    if not webhook.secrets:
        fail(f"the secret of {clean(name)} is not here: `mailbot check` names its variable")
    began = time.monotonic()
    code, error = asyncio.run(_send(webhook))
    seconds = time.monotonic() - began
    if in_json:
        print_json({"name": name, "code": code, "error": error or None, "seconds": round(seconds, 3)})
    if error:
        fail(f"{clean(name)}: {clean(error)}")
    if not in_json:
        echo(f"{clean(name)} took it: HTTP {code} after {seconds:.2f} s")


async def _send(webhook: Webhook) -> tuple[int | None, str]:
    from mailbot.delivery.webhooks.client import WebhookClient
    from mailbot.domain.programs import standard_webhooks
    from mailbot.views.webhook_json import trial_body

    at = now()
    body, identity = trial_body(at), f"msg_{secrets.token_hex(16)}"
    client = WebhookClient(webhook.url, webhook.allow_networks)
    try:
        answer = await client.post(standard_webhooks.headers(identity, at, body, webhook.secrets), body)
    finally:
        await client.close()
    return answer.code, answer.error
