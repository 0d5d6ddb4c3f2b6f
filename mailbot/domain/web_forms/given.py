"""What a form or a shop's program states about its message: details of the ticket, and its tags.

It travels in a header field of the mail that is made of the message. The field counts only where the envelope proves
that we made the mail: anybody could write one.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from mailbot.domain.model import InboundMail

HEADER = "X-Mailbot-Given"
CHANNELS = ("form", "api")
LONGEST = 200  # characters of a detail
_LINE = 76


@dataclass(frozen=True, slots=True)
class Given:
    """Details by their names in routing.yaml, and tags."""

    details: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    def as_header(self) -> str:
        """Return the value of the header field, folded; "" where nothing is given."""
        if not (self.details or self.tags):
            return ""
        details = {name: value[:LONGEST] for name, value in self.details.items()}
        text = b64encode(json.dumps([details, self.tags]).encode()).decode()
        return "\r\n ".join(text[at : at + _LINE] for at in range(0, len(text), _LINE))


NOTHING = Given()


def given_in(mail: InboundMail) -> Given:
    """Return what is given with a mail that we made of a form or a program's message; nothing for any other."""
    if mail.channel not in CHANNELS:
        return NOTHING
    value = "".join("".join(mail.headers.get(HEADER.lower(), ())).split())
    if not value:
        return NOTHING
    details, tags = json.loads(b64decode(value))
    return Given(details, tuple(tags))
