"""Put the environment above the settings of the YAML."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mailbot.config.environment import ANSWERS, CALLS, Environment, own_name
from mailbot.config.model import Channels, Console, Incoming, Settings
from mailbot.config.store_place import store_url


def with_environment(settings: Settings, store: str, directory: Path, environment: Environment) -> Settings:
    """Return the settings as the environment has them. `store`: what the YAML names."""
    listen, relay = settings.listen, settings.relay
    if environment.listen:
        listen = replace(listen, host=environment.listen[0], port=environment.listen[1])
    if environment.relay:
        relay = replace(relay, host=environment.relay[0], port=environment.relay[1])
    return replace(
        settings,
        listen=listen,
        store=store_url(store, directory, environment),
        relay=replace(relay, password=environment.relay_password),
        limits=settings.limits if environment.limits else settings.limits.without_rates(),
        log=environment.log or settings.log,
        secret=environment.secret,
        previous_secrets=environment.previous_secrets,
        console=_with_secret(settings.console, environment.oidc_secret),
        channels=with_channel_secrets(settings.channels, environment.channel_secrets),
        webhooks=tuple(
            replace(each, secrets=environment.webhook_secrets.get(own_name(each.name), ()))
            for each in settings.webhooks
        ),
        imap=tuple(
            replace(account, password=environment.imap_password(account.user)) for account in settings.imap
        ),
    )


def _with_secret(console: Console | None, secret: str) -> Console | None:
    if console is None or console.oidc is None:
        return console
    return replace(console, oidc=replace(console.oidc, secret=secret))


def with_channel_secrets(channels: Channels, secrets: Mapping[str, str]) -> Channels:
    """Return the channels with their secrets, by the end of the variable."""
    telegram, whatsapp = channels.telegram, channels.whatsapp
    if telegram:
        token, secret = secrets.get("TELEGRAM_TOKEN", ""), secrets.get("TELEGRAM_SECRET", "")
        telegram = replace(telegram, token=token, secret=secret)
    if whatsapp:
        whatsapp = replace(
            whatsapp,
            token=secrets.get("WHATSAPP_TOKEN", ""),
            app_secret=secrets.get("WHATSAPP_APP_SECRET", ""),
            verify_token=secrets.get("WHATSAPP_VERIFY_TOKEN", ""),
        )
    incoming = tuple(_with_secrets(each, secrets) for each in channels.incoming)
    return replace(channels, telegram=telegram, whatsapp=whatsapp, incoming=incoming)


def _with_secrets(program: Incoming, secrets: Mapping[str, str]) -> Incoming:
    """Return a program with its secrets: one or two, while one is exchanged for the other."""
    ending = own_name(program.name)
    return replace(
        program,
        secrets=tuple(secrets.get(f"{CALLS}{ending}", "").split()),
        send_secrets=tuple(secrets.get(f"{ANSWERS}{ending}", "").split()),
    )
