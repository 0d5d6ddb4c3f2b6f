"""Define the shape of `webhooks:`: programs elsewhere that hear of events."""

from typing import Annotated

from pydantic import AfterValidator, Field

from mailbot.config.files.entry import Entry
from mailbot.config.yaml.types import EventName, HookName, HookUrl, Names, Net, YesNo, some


class WebhookEntry(Entry):
    """An address that gets a signed message for each event. Its secret: MAILBOT_WEBHOOK_SECRET_NAME."""

    name: HookName = Field(description="by which `mailbot webhooks` knows it")
    url: HookUrl = Field(description="https:// and where it listens; http:// only within `allow_networks`")
    events: Annotated[list[EventName], AfterValidator(some("event"))] | None = Field(
        None, description="which events; left out: all"
    )
    teams: Annotated[Names, AfterValidator(some("team"))] | None = Field(
        None, description="only of tickets of these teams; left out: of all"
    )
    notes: YesNo = Field(False, description="with the text of agents' internal notes")
    allow_networks: list[Net] = Field(
        [], description="private networks that it may be in; others than public addresses are refused"
    )
