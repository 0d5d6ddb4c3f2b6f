"""What the SMTP dialogue would have said of a mail that came by none, told by the mail itself."""

from datetime import datetime
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses, parseaddr

from mailbot.core.model import Envelope, InboundMail
from mailbot.core.policy import Policy

HEADERS = 64 * 1024  # bytes in which its words are looked for


def envelope_of(
    raw: bytes,
    mail: InboundMail,
    policy: Policy,
    at: datetime,
    *,
    sender: str | None = None,
    recipient: str | None = None,
    peer: str = "",
) -> Envelope:
    """Who sent it to which of our mailboxes; what is given stands above what the header says.

    A mail server notes the sender in Return-Path (RFC 5321 section 4.4); "<>" is the null sender.
    """
    header = BytesHeaderParser().parsebytes(raw[:HEADERS])
    if sender is None:
        path = header.get("Return-Path")
        sender = mail.sender if path is None else parseaddr(str(path)[:1000])[1]
    null = "" if sender == "<>" else sender
    return Envelope(null, (recipient or _mailbox(policy, header),), peer, at)


def _mailbox(policy: Policy, header: "Message[str, str]") -> str:
    """The address of ours that the header names, else the first mailbox."""
    named = [
        str(value)[:4000] for name in ("Delivered-To", "To", "Cc") for value in header.get_all(name, [])[:20]
    ]
    addresses = [address for _, address in getaddresses(named)]
    ours = (address for address in addresses if policy.mailbox_for(address))
    return next(ours, next(iter(policy.mailboxes)))
