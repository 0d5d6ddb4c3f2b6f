"""A mail that a mail server pipes to us: its bytes as SMTP would bring them, and its envelope."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from mailbot.channels.smtp import mail_and_rcpt
from mailbot.channels.smtp.data import has_bare_newlines, normalise
from mailbot.domain.model import Envelope
from mailbot.domain.policy import Policy
from mailbot.errors import Refused
from mailbot.mail.parsing import header_fields
from mailbot.mail.parsing.addresses import parse_addresses
from mailbot.mail.parsing.envelope import sender_and_recipients

MBOX_LINE = re.compile(rb"From (?![ \t]*:)[^\n]*\n")  # "From :" with a colon is a field in an old spelling
NULL_SENDERS = ("", "<>", "MAILER-DAEMON")  # the last one: how Postfix's pipe(8) and local(8) write it
MAX_FIELDS = 10  # of one name that are read
RECIPIENT_VARIABLES = ("ORIGINAL_RECIPIENT", "RECIPIENT")  # of local(8), Exim, qmail


def restore(piped: bytes) -> bytes:
    """Restore the mail as SMTP would bring it: without the mbox "From " line, with CRLF line ends."""
    first = MBOX_LINE.match(piped)
    raw = piped[first.end() :] if first else piped
    if b"\r" not in raw:
        return raw.replace(b"\n", b"\r\n")
    return normalise(raw) if has_bare_newlines(raw) else raw


def envelope(
    raw: bytes,
    *,
    sender: str | None,
    recipients: Sequence[str],
    env: Mapping[str, str],
    policy: Policy,
    received_at: datetime,
) -> Envelope:
    """Build the envelope that SMTP would have given. Raises Refused when no recipient is one of our
    mailboxes.

    Recipients from the environment or the header are hints. When no hint names a mailbox, the mail is for the
    first one. An unreadable sender becomes the null sender: the mail gets no automatic answer.
    """
    given_sender = sender if sender is not None else env.get("SENDER")
    # The topmost Return-Path is the last host's (RFC 5321 4.4), also when it is <>.
    address = next(iter(_addresses_in(raw, "return-path", 1)), "") if given_sender is None else given_sender
    mailboxes_given = _our_mailboxes(recipients, policy)
    if recipients and not mailboxes_given:
        raise Refused(550, "5.1.1 No such mailbox here")
    return Envelope(_read_sender(address), mailboxes_given or _from_hints(raw, env, policy), "", received_at)


def _from_hints(raw: bytes, env: Mapping[str, str], policy: Policy) -> tuple[str, ...]:
    """Return the recipients of the first hint that names a mailbox: environment, trace fields, To and Cc."""
    hints = (
        *([env.get(name, "")] for name in RECIPIENT_VARIABLES),
        [*_addresses_in(raw, "delivered-to", MAX_FIELDS), *_addresses_in(raw, "x-original-to", MAX_FIELDS)],
        sender_and_recipients(raw, policy.mailbox_for)[1],
    )
    first = tuple(policy.mailboxes)[:1]
    return next((mailboxes for hint in hints if (mailboxes := _our_mailboxes(hint, policy))), first)


def _our_mailboxes(recipients: Sequence[str], policy: Policy) -> tuple[str, ...]:
    """Return those that are our mailboxes, each once, as the listener would write them."""
    mailboxes = []
    for address in recipients:
        try:
            local, domain, parameters = mail_and_rcpt.recipient(f"TO:<{_bare(address)}> SMTPUTF8")
            if len(parameters) == 1:
                mailboxes.append(mail_and_rcpt.resolve_recipient(local, domain, policy))
        except Refused:
            continue
    return tuple(dict.fromkeys(mailboxes))


def _addresses_in(raw: bytes, name: str, limit: int) -> list[str]:
    """Return the addresses in the topmost fields of that name."""
    head, _ = header_fields.read(raw, 0, len(raw))
    return [person.address for value in head.get_all(name)[:limit] for person in parse_addresses(value)]


def _read_sender(sender: str) -> str:
    if sender.strip() in NULL_SENDERS:
        return ""
    try:
        address, parameters = mail_and_rcpt.sender(f"FROM:<{_bare(sender)}> SMTPUTF8")
    except Refused:
        return ""
    return address if len(parameters) == 1 else ""


def _bare(address: str) -> str:
    return address.strip().removeprefix("<").removesuffix(">")
