"""Define the shape of `channels:` in mailbot.yaml: chats by which customers write, beside mail."""

from typing import Literal

from pydantic import Field

from mailbot.config.files.entry import Entry
from mailbot.config.files.incoming import IncomingEntry
from mailbot.config.yaml.types import Address, Name, WebAddress, YesNo

Language = Literal["id", "en"]


class TelegramEntry(Entry):
    """A Telegram bot. Its token: MAILBOT_TELEGRAM_TOKEN; for `webhook` also MAILBOT_TELEGRAM_SECRET."""

    mailbox: Address | None = Field(
        None, description="whose tickets its messages open; else the first mailbox"
    )
    webhook: YesNo = Field(
        False, description="Telegram calls public_url/channels/telegram; else we ask it for news"
    )
    api: WebAddress = Field("https://api.telegram.org", description="where the Bot API is served")


class WhatsappTemplateEntry(Entry):
    """A message that WhatsApp has approved, for customers who wrote more than 24 hours ago."""

    name: Name = Field(description="as approved; its one parameter is the ticket's number")
    languages: dict[Language, str] = Field(
        {"id": "id", "en": "en"}, description="our language to WhatsApp's code, such as en: en_US"
    )


class WhatsappEntry(Entry):
    """A number at the WhatsApp Cloud API.

    Its secrets: MAILBOT_WHATSAPP_TOKEN, MAILBOT_WHATSAPP_APP_SECRET and MAILBOT_WHATSAPP_VERIFY_TOKEN.
    """

    mailbox: Address | None = Field(
        None, description="whose tickets its messages open; else the first mailbox"
    )
    phone_number_id: str = Field(
        pattern=r"^[0-9]{5,20}$", description="of the number that sends, as Meta shows it"
    )
    template: WhatsappTemplateEntry | None = Field(
        None, description="sent in place of an answer after 24 hours; left out: that answer fails"
    )
    api: WebAddress = Field("https://graph.facebook.com/v21.0", description="where the Cloud API is served")


class ChannelsEntry(Entry):
    """Chats by which customers write. Left out: none of them costs anything."""

    telegram: TelegramEntry | None = Field(None, description="a Telegram bot")
    whatsapp: WhatsappEntry | None = Field(None, description="a number at the WhatsApp Cloud API")
    incoming: list[IncomingEntry] = Field([], description="programs that send what people wrote")
