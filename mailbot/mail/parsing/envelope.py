"""What the SMTP dialogue would have said of a mail that came by none, told by the mail itself."""

from datetime import datetime

from mailbot.domain.model import Envelope
from mailbot.domain.policy import Policy
from mailbot.mail.parsing.addressed import addressed


def envelope_of(
    raw: bytes,
    policy: Policy,
    at: datetime,
    *,
    sender: str | None = None,
    recipient: str | None = None,
    peer: str = "",
) -> Envelope:
    """Who sent it to which of our mailboxes, else to the first; what is given stands above the header.
    "<>" is the null sender."""
    named, ours = addressed(raw, policy.mailbox_for)
    said = named if sender is None else sender
    first = next(iter(ours or policy.mailboxes))
    return Envelope("" if said == "<>" else said, (recipient or first,), peer, at)
