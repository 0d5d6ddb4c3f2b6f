"""Check and build the webhooks: where events are sent, and whether it may be there."""

from collections.abc import Iterator
from importlib.util import find_spec
from ipaddress import ip_address
from urllib.parse import urlsplit

from mailbot.config.checks.networks import is_everybody
from mailbot.config.environment import Environment, own_name
from mailbot.config.files.mailbot import MailbotFile
from mailbot.config.files.webhooks import WebhookEntry
from mailbot.config.model import Webhook
from mailbot.config.yaml.source import Place, Source
from mailbot.errors import Problem, install_hint

SECRET = "WEBHOOK_SECRET"
MAKE_ONE = "`mailbot webhooks secret` makes one"


def build(file: MailbotFile) -> tuple[Webhook, ...]:
    """Build the webhooks, without their secrets."""
    return tuple(
        Webhook(
            entry.name,
            entry.url,
            events=tuple(entry.events or ()),
            teams=tuple(entry.teams or ()),
            notes=entry.notes,
            allow_networks=tuple(map(str, entry.allow_networks)),
        )
        for entry in file.webhooks
    )


def problems(file: MailbotFile, source: Source) -> Iterator[Problem]:
    """List a missing package, addresses that would be refused, and networks that hold everybody."""
    if file.webhooks and not find_spec("httpx"):
        yield source.at_key(("webhooks",), "`httpx` is not installed", install_hint("channels"))
    for index, entry in enumerate(file.webhooks):
        place = ("webhooks", index)
        yield from _address_problems(entry, source, (*place, "url"))
        for position, network in enumerate(entry.allow_networks):
            if is_everybody(network):
                message = f"`{network}` holds addresses of all the world: nothing would be refused"
                hint = "name the network of the receiver: 10.20.0.0/16"
                yield source.at_value((*place, "allow_networks", position), message, hint)


def _address_problems(entry: WebhookEntry, source: Source, place: Place) -> Iterator[Problem]:
    parts = urlsplit(entry.url)
    if parts.scheme == "http" and not entry.allow_networks:
        hint = "https://, or name its private network under `allow_networks`"
        yield source.at_value(place, "customers' data must not be read on the way", hint)
    try:
        address = ip_address(parts.hostname or "")
    except ValueError:
        return  # a name: its addresses are checked at each connection
    if not address.is_global and not any(address in network for network in entry.allow_networks):
        message = f"`{address}` is no public address, and in none of `allow_networks`"
        yield source.at_value(place, message, f"allow_networks: [{address}]")


def warnings(file: MailbotFile, source: Source, environment: Environment) -> Iterator[Problem]:
    """List missing secrets, and secrets of no use."""
    known = {own_name(entry.name) for entry in file.webhooks}
    for index, entry in enumerate(file.webhooks):
        ending = own_name(entry.name)
        if ending not in environment.webhook_secrets:
            variable = f"MAILBOT_{SECRET}{ending}"
            credential = variable.lower().replace("_", "-")
            hint = f"give it as {variable} or as the systemd credential {credential}; {MAKE_ONE}"
            message = "this webhook needs a secret, there is none: nothing is sent until then"
            yield source.at_value(("webhooks", index, "name"), message, hint)
    for ending in environment.webhook_secrets.keys() - known:
        message = "has no effect: there is no such webhook"
        yield Problem(f"MAILBOT_{SECRET}{ending}", 0, 0, message)
