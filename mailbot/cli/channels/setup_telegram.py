"""`mailbot channels setup telegram`: try the token, set or remove the webhook, and say what is left for people."""

import asyncio
import re
from dataclasses import dataclass
from typing import Any

import click

from mailbot.channels.http_client import NoReply, NotSent
from mailbot.channels.telegram.api import Api, Refused
from mailbot.channels.telegram.channel import ALLOWED
from mailbot.cli.shared.open_store import fail, load_configuration
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import clean, echo, print_facts, print_json
from mailbot.config.model import Telegram

SECRET = re.compile("[A-Za-z0-9_-]{16,256}")  # what Telegram takes, and nobody guesses
# What people see in the menu of the bot.
MENU = {
    "id": {"status": "Sampai di mana laporan saya?", "baru": "Laporan tentang hal lain"},
    "en": {"status": "How far is my report?", "new": "A report about another matter"},
}


@dataclass(frozen=True, slots=True)
class Bot:
    """A bot as Telegram knows it. `webhook`: the address that it calls, "" for none. `waiting`: updates."""

    id: int
    name: str
    username: str
    joins_groups: bool
    webhook: str
    waiting: int
    last_error: str


@click.command("telegram")
@standard_options
def telegram(in_json: bool) -> None:
    """Try the bot's token, set its webhook or remove it as mailbot.yaml says, and set its menu.

    It needs MAILBOT_TELEGRAM_TOKEN, and for a webhook MAILBOT_TELEGRAM_SECRET. Updates that wait are kept.
    """
    settings = load_configuration().settings
    chosen = settings.channels.telegram
    if chosen is None:
        fail("no bot is set up\nwrite `channels:` with `telegram: {}` into mailbot.yaml")
    if not chosen.token:
        fail(
            "MAILBOT_TELEGRAM_TOKEN is missing\n@BotFather gives it for /newbot; set it for this command too"
        )
    url = f"{settings.console.url}/channels/telegram" if chosen.webhook and settings.console else ""
    if url and not SECRET.fullmatch(chosen.secret):
        fail(
            "MAILBOT_TELEGRAM_SECRET needs 16 to 256 of A-Z, a-z, 0-9, _ and -\n`openssl rand -hex 32` makes one"
        )
    try:
        bot = asyncio.run(_set_up(chosen, url))
    except Refused as refusal:
        fail(str(refusal))
    except (NotSent, NoReply) as error:
        fail(f"Telegram ({chosen.api}): {error}")
    if in_json:
        print_json(bot)
    else:
        _print(bot)


async def _set_up(chosen: Telegram, url: str) -> Bot:
    """Arrange all of it, and return what Telegram says afterwards. Raises Refused, NotSent and NoReply."""
    api = Api(chosen)
    try:
        me = await api.call("getMe", dict[str, Any])
        if url:
            wanted = {"url": url, "secret_token": chosen.secret, "allowed_updates": ALLOWED}
            await api.call("setWebhook", bool, json=wanted)
        else:
            await api.call("deleteWebhook", bool, json={"drop_pending_updates": False})
        for language, commands in MENU.items():
            shown = [{"command": name, "description": text} for name, text in commands.items()]
            others = {"language_code": language} if language != "id" else {}
            await api.call("setMyCommands", bool, json={"commands": shown, **others})
        info = await api.call("getWebhookInfo", dict[str, Any])
    finally:
        await api.close()
    return Bot(
        int(me["id"]),
        str(me.get("first_name", "")),
        str(me.get("username", "")),
        bool(me.get("can_join_groups")),
        str(info.get("url", "")),
        int(info.get("pending_update_count", 0)),
        str(info.get("last_error_message", "")),
    )


def _print(bot: Bot) -> None:
    username = clean(bot.username)
    echo(f"{clean(bot.name)} (@{username}) answers")
    print_facts(
        [
            ("customers", f"write at https://t.me/{username}"),
            ("news", f"Telegram calls {clean(bot.webhook)}" if bot.webhook else "mailbot asks for them"),
            ("waiting", f"{bot.waiting} updates" if bot.waiting else ""),
            ("last error", clean(bot.last_error)),
            ("menu", "/status and /baru (/new in English)"),
        ]
    )
    if bot.joins_groups:
        echo("Left for you, at @BotFather: /setjoingroups, Disable. In groups the bot answers nobody.")
    echo("The daemon reads mailbot.yaml and the secrets when it starts: `systemctl restart mailbot`.")
