"""Loads what we sent to a customer, and hides in the customer's reply what it quotes of that."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from mailbot.domain.model import InboundMail, Ticket
from mailbot.domain.policy import Policy
from mailbot.mail.parsing.own_mail import read_own_mail
from mailbot.mail.parsing.parse import is_forward, is_reply
from mailbot.mail.replies.fold import SentToCustomer, fold
from mailbot.mail.replies.known_text import NOTHING, KnownText
from mailbot.mail.replies.new_body import separate
from mailbot.mail.replies.reply_heads import SentToAgent
from mailbot.store import conversation

_MAILS = 10  # newest ones
_SIZE = 64 * 1024  # bytes of each that are read


def fold_reply(
    connection: Connection,
    mail: InboundMail,
    ticket: Ticket | None,
    merged: Sequence[str],
    policy: Policy,
) -> tuple[InboundMail, bool]:
    """Return the mail with its new text as `visible`, and whether something unproven is hidden.

    `merged`: the tickets that were merged into this one and that the mail names. Without a ticket
    there is nothing that we sent: only quotes that name us are hidden.
    """
    reply = is_reply(mail.subject, mail.text, bool(mail.in_reply_to or mail.references))
    if mail.visible == mail.text and not (reply and ticket and _may_quote(mail.text, ticket, policy)):
        return mail, False
    boxes = policy.mailboxes.values()
    read = [read_own_mail(raw) for raw in _sent_mails(connection, mail, ticket, merged)] if ticket else []
    sent = SentToCustomer(
        SentToAgent(
            addresses=tuple(box.address for box in boxes),
            brands=tuple({box.brand for box in boxes}),
            subjects=tuple(dict.fromkeys(subject for subject, _ in read)),
            notices=KnownText(text for _, texts in read for text in texts),
        ),
        recipients=tuple(filter(None, (ticket.customer.lower() if ticket else "", mail.sender))),
        on_ticket=KnownText(conversation.public_texts(connection, ticket.number)) if ticket else NOTHING,
    )
    found = fold(mail.text, sent, is_reply=reply)
    new = separate(found.visible, is_reply=reply, is_forward=is_forward(mail.subject)).new
    return replace(mail, visible=found.visible, new_body=new), found.unproven


def _may_quote(text: str, ticket: Ticket, policy: Policy) -> bool:
    """Look for signs of a quote, so that other replies cost no statement."""
    box = policy.mailbox_for(ticket.mailbox)
    signs = (">", ticket.number, ticket.mailbox, box.brand if box else "")
    return any(sign and sign in text for sign in signs)


def _sent_mails(
    connection: Connection, mail: InboundMail, ticket: Ticket, merged: Sequence[str]
) -> Iterator[bytes]:
    for recipient in dict.fromkeys((ticket.customer, mail.sender)):
        for each in conversation.sent_to(connection, (ticket.number, *merged), recipient, _MAILS):
            yield each.content[:_SIZE]
