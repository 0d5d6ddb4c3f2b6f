"""`mailbot channels setup whatsapp`: try the token and our own address, and say what Meta's pages need."""

import asyncio
import secrets
from dataclasses import dataclass

import click

from mailbot.channels.http_client import HttpClient, NoReply, NotSent, TooLarge
from mailbot.channels.loose import at, text_at
from mailbot.channels.whatsapp.api import Api
from mailbot.channels.whatsapp.channel import NOW
from mailbot.channels.whatsapp.errors import explain
from mailbot.cli.shared.open_store import fail, load_configuration
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import clean, echo, print_facts, print_json
from mailbot.config.model import Whatsapp


@dataclass(frozen=True, slots=True)
class Number:
    """Our number as WhatsApp knows it. `callback`: what it calls. `answers`: how that address answered us."""

    number: str
    name: str
    callback: str
    answers: str
    template: str


@click.command("whatsapp")
@standard_options
def whatsapp(in_json: bool) -> None:
    """Try the token and the address that WhatsApp calls, and print what Meta's pages need. It changes nothing.

    It needs MAILBOT_WHATSAPP_TOKEN and MAILBOT_WHATSAPP_VERIFY_TOKEN.
    """
    settings = load_configuration().settings
    chosen = settings.channels.whatsapp
    if chosen is None or settings.console is None:
        fail(
            "no number is set up\nwrite `channels:` with `whatsapp:` and its `phone_number_id` into mailbot.yaml"
        )
    for name in ("token", "app_secret", "verify_token"):
        if not getattr(chosen, name):
            fail(
                f"MAILBOT_WHATSAPP_{name.upper()} is missing\nset it for this command too: docs/channels/whatsapp.md"
            )
    try:
        found = asyncio.run(_ask(chosen, f"{settings.console.url}/channels/whatsapp"))
    except (NotSent, NoReply, TooLarge) as error:
        fail(f"WhatsApp ({chosen.api}): {error}")
    if in_json:
        print_json(found)
    else:
        _print(found)


async def _ask(chosen: Whatsapp, callback: str) -> Number:
    """Ask WhatsApp about our number, and our own address as Meta does. Raises NotSent, NoReply and TooLarge."""
    api, ours = Api(chosen, NOW), HttpClient(callback)
    try:
        answer = await api.about(chosen.phone_number_id, fields="display_phone_number,verified_name")
        if answer.status != 200:
            fail(f"WhatsApp refuses: {explain(at(answer.json, 'error'))}")
        answers = await _challenge(ours, callback, chosen.verify_token)
    finally:
        await api.close()
        await ours.close()
    template = chosen.template.name if chosen.template else ""
    number, name = text_at(answer.json, "display_phone_number"), text_at(answer.json, "verified_name")
    return Number(number, name, callback, answers, template)


async def _challenge(ours: HttpClient, callback: str, token: str) -> str:
    """Return how our address answers Meta's question: "right", or what is wrong with it."""
    word = secrets.token_hex(8)
    query = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": word}
    try:
        answer = await ours.ask("GET", callback, params=query)
    except (NotSent, NoReply, TooLarge) as error:
        return str(error)
    if answer.status != 200:
        return f"with {answer.status}: has the daemon the same verify token, and does the path lead to it?"
    return "right" if answer.body == word.encode() else "with something else: another program is there"


def _print(found: Number) -> None:
    echo(f"{clean(found.name)} ({clean(found.number)}) answers")
    print_facts(
        [
            ("customers", f"write at https://wa.me/{''.join(filter(str.isdigit, found.number))}"),
            ("callback URL", found.callback),
            ("it answers", found.answers),
            ("verify token", "what stands in MAILBOT_WHATSAPP_VERIFY_TOKEN"),
            ("webhook field", "messages"),
            (
                "after 24 hours",
                f"template {found.template}" if found.template else "answers fail: set `template`",
            ),
        ],
        red=set() if found.answers == "right" else {"it answers"},
    )
    echo("Enter the callback URL and the verify token in Meta's app: WhatsApp, Configuration, Webhook.")
