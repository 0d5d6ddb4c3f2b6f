"""Loads what we sent to an agent, and takes the answer out of the agent's reply by it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain.actor import Actor
from mailbot.domain.language import guess
from mailbot.domain.model import Attachment, Authentication, InboundMail, Ticket
from mailbot.domain.notices import FOR_COLLEAGUES
from mailbot.domain.people.customer import is_outside
from mailbot.domain.policy import Agent, Policy
from mailbot.domain.replies.agent_mail import AgentMail
from mailbot.domain.replies.without_token import Forwarded
from mailbot.mail.compose.inline_pictures import is_placed
from mailbot.mail.parsing.own_mail import read_own_mail
from mailbot.mail.parsing.parse import parse
from mailbot.mail.replies.answer import extract_answer
from mailbot.mail.replies.forwarded import read_forwarded
from mailbot.mail.replies.known_text import KnownText
from mailbot.mail.replies.new_body import separate
from mailbot.mail.replies.reply_heads import SentToAgent
from mailbot.store import conversation, tickets
from mailbot.store.agents import acts
from mailbot.store.conversation import SentMail
from mailbot.workers.runtime import Snapshot

_NOTICES = 5  # newest ones; the one that the reply names is loaded in any case
_REFERENCES = 20
_TO_CUSTOMER = 5
_LANGUAGE_SAMPLE = 1_500  # characters


def read_reply(
    connection: Connection,
    mail: InboundMail,
    ticket: Ticket,
    merged: Sequence[str],
    agent: Agent,
    snapshot: Snapshot,
) -> tuple[InboundMail, AgentMail]:
    """Return the mail with the answer alone as its `visible` text, and what the decision about it needs.

    `merged`: the tickets on the way from what the mail named to `ticket`.
    """
    policy, keys, numbers = snapshot.policy, snapshot.keys, (ticket.number, *merged)
    answered = (*mail.in_reply_to, *reversed(mail.references))[:_REFERENCES]
    nonces = {nonce for each in answered if (nonce := keys.nonce_in(each.strip("<>")))}
    notices = conversation.sent_to(connection, numbers, agent.address, _NOTICES, nonces)
    read = [read_own_mail(notice.content) for notice in notices]
    boxes = policy.mailboxes.values()
    sent = SentToAgent(
        addresses=(*(box.address for box in boxes), agent.address.lower()),
        brands=tuple({box.brand for box in boxes}),
        subjects=tuple(dict.fromkeys(subject for subject, _ in read)),
        notices=KnownText(text for _, texts in read for text in texts),
        public=KnownText(_public(connection, ticket)),
    )
    box = policy.mailbox_for(ticket.mailbox)
    keep = agent.keep_signature if agent.keep_signature is not None else bool(box and box.keep_signatures)
    found = extract_answer(mail.text, sent, keep_signature=keep)
    named = next((each for each in notices if each.message_id in answered), None)
    noticed_at = named.settled_at if named else None
    return replace(mail, visible=found.text, new_body=None), AgentMail(
        for_colleagues=named is not None and named.kind in FOR_COLLEAGUES,
        attachments=tuple(each for each in mail.attachments if _goes_along(each, mail.text, found.text)),
        subjects=sent.subjects,
        noticed_at=noticed_at,
        lost_at=_lost_at(connection, ticket, agent, noticed_at),
        former=tickets.former_customer(connection, ticket.number, noticed_at),
        doubt=found.doubt,
        references=conversation.message_ids(connection, numbers, ticket.answers_to),
    )


def _lost_at(
    connection: Connection, ticket: Ticket, agent: Agent, noticed_at: datetime | None
) -> datetime | None:
    """Return when the ticket was taken from the agent since the notice, None where it was not.

    A mail that names no notice may answer any.
    """
    if ticket.assignee == agent.address:
        return None
    return acts.lost_since(connection, ticket.number, agent.address, noticed_at or ticket.opened_at)


def open_forwarded(mail: InboundMail, policy: Policy) -> tuple[InboundMail, Forwarded | None]:
    """Return the customer's mail that an agent's mail forwards, and by whom; else the mail itself.

    Nothing in it is proven. The whole text stays, the original mail's alone is visible.
    """
    own = policy.mailboxes.keys()
    found = read_forwarded(
        mail, lambda raw: parse(raw, own_addresses=own), lambda address: is_outside(address, policy)
    )
    if found is None:
        return mail, None
    separated = separate(found.text, is_reply=True, is_forward=False)
    inside = replace(
        mail,
        sender=found.sender.address,
        sender_name=found.sender.name,
        subject=found.subject,
        visible=found.text,
        new_body=separated.new,
        footer=separated.footer,
        message_id=found.message_id,
        in_reply_to=(),
        references=(),
        reply_to="",
        reply_to_named="",
        original_from=None,
        authentication=Authentication.NONE,
        to=(),
        cc=(),
        language=guess(f"{found.subject}\n{found.text[:_LANGUAGE_SAMPLE]}"),
    )
    return inside, Forwarded(Actor.agent(mail.sender), found.cover)


def _goes_along(attachment: Attachment, text: str, answer: str) -> bool:
    """Check whether a file goes to the customer: a picture of the signature or the quote stays behind."""
    return is_placed(attachment, answer) or not is_placed(attachment, text)


def _public(connection: Connection, ticket: Ticket) -> Iterable[str]:
    yield from (ticket.subject, ticket.answers_to)
    yield from conversation.public_texts(connection, ticket.number)
    sent = conversation.sent_to(connection, [ticket.number], ticket.answers_to, _TO_CUSTOMER)
    yield from _texts(sent)


def _texts(sent: Iterable[SentMail]) -> Iterable[str]:
    return (text for each in sent for text in read_own_mail(each.content)[1])
