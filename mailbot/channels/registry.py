"""The channels beside mail: each is a folder, and one line here. What is not set up is never imported."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from mailbot.channels.seam import Channel
from mailbot.config.model import Channels

# By the name in `channels:` of mailbot.yaml. Each module has `build`, which makes a Channel of its settings.
MODULES = {
    "telegram": "mailbot.channels.telegram.channel",
    "whatsapp": "mailbot.channels.whatsapp.channel",
}
INCOMING = "mailbot.channels.incoming.channel"  # of any name: there may be several


def build_all(settings: Channels) -> list[Channel]:
    """Build the channels that are set up. Needs the extra `channels`."""
    found = []
    for name, module in MODULES.items():
        if chosen := getattr(settings, name):
            build: Callable[[Any], Channel] = import_module(module).build
            found.append(build(chosen))
    if settings.incoming:
        build = import_module(INCOMING).build
        found += map(build, settings.incoming)
    return found
