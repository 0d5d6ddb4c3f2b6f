"""Build the envelope of a mail that came without an SMTP session, from its header fields."""

from collections.abc import Callable
from datetime import datetime

from mailbot.domain.model import Envelope
from mailbot.domain.policy import Policy
from mailbot.mail.parsing import header_fields
from mailbot.mail.parsing.addresses import parse_addresses
from mailbot.mail.parsing.header_fields import Fields

RECIPIENT_LIMIT = 100
# In this order: the delivering host knows the recipient better than the sender does.
_RECIPIENT_FIELDS = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to", "cc")


def build_envelope(
    raw: bytes,
    policy: Policy,
    at: datetime,
    *,
    sender: str | None = None,
    recipient: str | None = None,
    peer: str = "",
) -> Envelope:
    """Build the envelope; a given `sender` ("<>": the null sender) or `recipient` replaces the header's.

    Without a recipient among our mailboxes it is the policy's first mailbox.
    """
    from_header, own = sender_and_recipients(raw, policy.mailbox_for)
    chosen = from_header if sender is None else sender
    first = next(iter(own or policy.mailboxes))
    return Envelope("" if chosen == "<>" else chosen, (recipient or first,), peer, at)


def sender_and_recipients(raw: bytes, is_own: Callable[[str], object]) -> tuple[str, tuple[str, ...]]:
    """Read the envelope sender ("": null sender) and the recipients that `is_own` accepts, +tags kept.

    The sender is the topmost Return-Path, which the last host writes (RFC 5321 section 4.4). Without one it
    is the only address in From, or "" when there is not exactly one: a sender that can't be identified gets
    no answer.
    """
    header, _ = header_fields.read(raw, 0, len(raw))
    return _sender(header), _recipients(header, is_own)


def _sender(header: Fields) -> str:
    paths, authors = header.get_all("return-path"), header.get_all("from")
    if paths:
        return next((mailbox.address for mailbox in parse_addresses(paths[0])), "")
    if len(authors) != 1:
        return ""
    listed = parse_addresses(authors[0])
    return listed[0].address if len(listed) == 1 else ""


def _recipients(header: Fields, is_own: Callable[[str], object]) -> tuple[str, ...]:
    own = (
        mailbox.address
        for name in _RECIPIENT_FIELDS
        for value in header.get_all(name)
        for mailbox in parse_addresses(value)
        if mailbox.address and is_own(mailbox.address)
    )
    return tuple(dict.fromkeys(own))[:RECIPIENT_LIMIT]
