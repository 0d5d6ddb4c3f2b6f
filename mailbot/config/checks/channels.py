"""Check and build the chats by which customers write beside mail."""

from collections.abc import Iterator
from importlib.util import find_spec

from mailbot.config.checks import incoming
from mailbot.config.environment import OF_CHANNELS, Environment
from mailbot.config.files.channels import TelegramEntry, WhatsappEntry
from mailbot.config.files.mailbot import MailbotFile
from mailbot.config.model import Channels, Telegram, Whatsapp, WhatsappTemplate
from mailbot.config.yaml.source import Place, Source
from mailbot.errors import Problem, install_hint

PACKAGES = ("httpx",)
NEEDED = {  # secrets of each channel, by the end of the variable
    "telegram": ("TELEGRAM_TOKEN",),
    "whatsapp": ("WHATSAPP_TOKEN", "WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN"),
}
FOR_CALLS = "TELEGRAM_SECRET"  # only where Telegram calls us


def build(file: MailbotFile) -> Channels:
    """Build the settings of the channels, without their secrets."""
    first = file.mailboxes[0].address
    telegram, whatsapp = file.channels.telegram, file.channels.whatsapp
    return Channels(
        _telegram(telegram, telegram.mailbox or first) if telegram else None,
        _whatsapp(whatsapp, whatsapp.mailbox or first) if whatsapp else None,
        incoming.build(file, first),
    )


def _telegram(entry: TelegramEntry, mailbox: str) -> Telegram:
    return Telegram(mailbox, entry.webhook, entry.api)


def _whatsapp(entry: WhatsappEntry, mailbox: str) -> Whatsapp:
    template = None
    if entry.template:
        languages = {str(ours): theirs for ours, theirs in entry.template.languages.items()}
        template = WhatsappTemplate(entry.template.name, languages)
    return Whatsapp(mailbox, entry.phone_number_id, entry.api, template)


def problems(file: MailbotFile, source: Source) -> Iterator[Problem]:
    """List missing packages, foreign mailboxes, and providers that have no way to call us."""
    known = {box.address for box in file.mailboxes}
    for place, mailbox in _places(file):
        if missing := next((each for each in PACKAGES if find_spec(each) is None), ""):
            message = f"`{missing}` is not installed"
            yield source.at_key(place, message, install_hint("channels"))
        if mailbox and mailbox not in known:
            message = f"{mailbox} is none of `mailboxes`"
            yield source.at_value((*place, "mailbox"), message, f"such as {min(known)}")
        if _is_called(file, str(place[1])) and not (file.console and file.public_url):
            message = f"{place[1]} calls us, and there is no address for that"
            yield source.at_key(place, message, "set `console` and `public_url`")
    yield from incoming.problems(file, source)


def _places(file: MailbotFile) -> Iterator[tuple[Place, str | None]]:
    """Name where each channel stands in the file, with its own mailbox."""
    for name in _configured(file):
        yield ("channels", name), getattr(file.channels, name).mailbox
    for index, entry in enumerate(file.channels.incoming):
        yield ("channels", "incoming", index), entry.mailbox


def _configured(file: MailbotFile) -> list[str]:
    return [name for name in NEEDED if getattr(file.channels, name)]


def _is_called(file: MailbotFile, name: str) -> bool:
    return name != "telegram" or bool(file.channels.telegram and file.channels.telegram.webhook)


def warnings(file: MailbotFile, source: Source, environment: Environment) -> Iterator[Problem]:
    """List missing secrets, and secrets that have no effect."""
    configured = _configured(file)
    for name, needed in NEEDED.items():
        wanted = (*needed, FOR_CALLS) if name == "telegram" and _is_called(file, name) else needed
        for each in wanted if name in configured else ():
            if not environment.channel_secrets.get(each):
                credential = f"mailbot-{each.lower().replace('_', '-')}"
                hint = f"give it as MAILBOT_{each} or as the systemd credential {credential}"
                yield source.at_key(("channels", name), f"MAILBOT_{each} is missing: it can't work", hint)
    yield from incoming.warnings(file, source, environment)
    for each in environment.channel_secrets:
        if each in OF_CHANNELS and each.partition("_")[0].lower() not in configured:
            yield Problem(f"MAILBOT_{each}", 0, 0, "has no effect: that channel is not set up")
