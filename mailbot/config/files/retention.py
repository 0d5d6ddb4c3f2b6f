"""Define the shape of `retention:`: how long things are kept. What is left out is kept for good."""

from pydantic import Field

from mailbot.config.files.entry import Entry
from mailbot.config.yaml.types import Kept


class RetentionEntry(Entry):
    """How long things of closed tickets are kept: a time span, or `no` for good."""

    raw_mail: Kept = Field(None, description="the bytes of mails, theirs since receipt, ours since sending")
    attachments: Kept = Field(None, description="the files in mails, since receipt")
    closed_tickets: Kept = Field(
        None, description="the ticket with all that belongs to it, since its end and its newest message"
    )
    attempts: Kept = Field(None, description="each try to send a mail, with the relay's answer")
