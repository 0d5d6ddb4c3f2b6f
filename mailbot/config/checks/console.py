"""Check and build where the pages are served, and who logs in there by what."""

from collections.abc import Iterator
from importlib.util import find_spec

from mailbot.config.checks.networks import is_everybody
from mailbot.config.environment import Environment
from mailbot.config.files.mailbot import MailbotFile
from mailbot.config.model import Console, Oidc
from mailbot.config.yaml.source import Source
from mailbot.errors import Problem, install_hint

PACKAGES = ("starlette", "uvicorn", "python_multipart", "nh3")
OIDC_PACKAGES = ("authlib", "httpx", "joserfc")
SECRET_HINT = "give it as MAILBOT_OIDC_SECRET or as the systemd credential mailbot-oidc-secret"


def build(file: MailbotFile) -> Console | None:
    """Build the settings of the pages, without the provider's secret."""
    entry = file.console
    if entry is None:
        return None
    oidc = Oidc(entry.oidc.issuer, entry.oidc.client_id) if entry.oidc else None
    proxies = tuple(map(str, entry.proxies))
    return Console(*entry.listen, proxies, entry.user_header or "", oidc, file.public_url or "")


def problems(file: MailbotFile, source: Source) -> Iterator[Problem]:
    """List missing packages, and proxies that would be everybody."""
    if file.console is None:
        return
    needed = (*PACKAGES, *OIDC_PACKAGES) if file.console.oidc else PACKAGES
    if missing := next((name for name in needed if find_spec(name) is None), ""):
        message = f"`{missing.replace('_', '-')}` is not installed"
        yield source.at_key(("console",), message, install_hint("console"))
    for index, network in enumerate(file.console.proxies):
        if is_everybody(network):
            message = f"`{network}` holds addresses of all the world: everybody could log in as anybody"
            hint = "name the web server in front: 127.0.0.1"
            yield source.at_value(("console", "proxies", index), message, hint)


def warnings(file: MailbotFile, source: Source, environment: Environment) -> Iterator[Problem]:
    """List a missing secret, and settings that have no effect."""
    oidc = file.console.oidc if file.console else None
    if oidc and not environment.oidc_secret:
        yield source.at_key(("console", "oidc"), "the provider's secret is missing", SECRET_HINT)
    if environment.oidc_secret and not oidc:
        yield Problem("MAILBOT_OIDC_SECRET", 0, 0, "has no effect: console.oidc is not set")
    if file.public_url and not file.console:
        message = "has no effect without `console`"
        yield source.at_key(("public_url",), message, "console: 127.0.0.1:8025")
