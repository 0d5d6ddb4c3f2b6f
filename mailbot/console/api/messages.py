"""Messages of customers that a shop's own program brings: from its form, its app, its checkout."""

import asyncio
import hashlib
import secrets
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.routing import BaseRoute, Route

from mailbot import log
from mailbot.channels.message import ChannelMessage, build, title
from mailbot.channels.web.form import text_of
from mailbot.console.api.acts import AGAIN, HEADER
from mailbot.console.api.bodies import LONGEST, SentFile
from mailbot.console.api.call import Answer, Call, Description, encode, for_programs
from mailbot.console.api.read_request import invalid
from mailbot.console.problems import Problem
from mailbot.domain import ticket_number
from mailbot.domain.model import Ticket
from mailbot.domain.people.token_scope import MESSAGE
from mailbot.domain.policy import Mailbox
from mailbot.domain.reasons import Refusal
from mailbot.domain.replies.subjects import base_subject
from mailbot.domain.ticket_number import bracketed
from mailbot.domain.web_forms.confirmation import is_ours
from mailbot.domain.web_forms.given import Given
from mailbot.mail.compose.cleaning import body_text, header_text
from mailbot.mail.compose.mime_writer import ComposeRefused, is_ascii_address
from mailbot.mail.parsing import attachments
from mailbot.operations.program_requests import ProgramRequest, carry_out_once
from mailbot.store import inbox, queries
from mailbot.store.inbox import Receipt, ReceivedMail
from mailbot.views.shapes import Moment, shape
from mailbot.workers.transaction import Transaction

CHANNEL = "api"
MOST_FIELDS, MOST_FILES = 30, 10

Address = Annotated[str, Meta(max_length=254, description="The customer's address of mail.")]
Line = Annotated[str, Meta(max_length=200)]
Label = Annotated[str, Meta(min_length=1, max_length=100)]


class CustomerMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a customer wrote to the shop."""

    author: Address = msgspec.field(name="from")
    text: Annotated[str, Meta(min_length=1, max_length=LONGEST)]
    name: Annotated[str, Meta(max_length=80, description="The customer's name.")] = ""
    subject: Annotated[str, Meta(max_length=150, description="Else the first words of the text.")] = ""
    fields: Annotated[
        dict[Label, Annotated[str, Meta(max_length=5_000)]],
        Meta(
            max_length=MOST_FIELDS,
            description="Written above the text as `Label: value`. Named as one of `details` in routing.yaml, the "
            "ticket gets that detail.",
        ),
    ] = {}
    tags: Annotated[list[Label], Meta(max_length=20, description="The ticket gets them.")] = []
    mailbox: Annotated[str, Meta(max_length=254, description="Of ours that it is for; else the first.")] = ""
    number: Annotated[str, Meta(max_length=60, description="Of the ticket that it is about.")] = ""
    in_reply_to: Annotated[str, Meta(max_length=250, description="Message-ID of the mail it answers.")] = ""
    external_id: Annotated[
        Line, Meta(description="Yours. Sent again with the same one, a message is kept once.")
    ] = ""
    confirmed: Annotated[
        bool, Meta(description="You know that the address is the customer's: it counts as proven.")
    ] = False
    files: Annotated[list[SentFile], Meta(max_length=MOST_FILES)] = []


Kept = shape("Receipt", [("id", int), ("external_id", str), ("mailbox", str), ("received_at", Moment)])


@for_programs(
    Description(
        "Bring a customer's message: it is kept as a mail of theirs, and answered as one",
        Kept,
        MESSAGE,
        body=CustomerMessage,
        kinds=("not-found", "malformed", "invalid", "key-reused", "too-large", "in-doubt"),
        status=201,
    )
)
async def message(call: Call) -> Answer:
    given: CustomerMessage = call.body
    ticket, box = await _place(call, given)
    once = given.external_id or call.request.headers.get(HEADER, "")
    named = f"{call.viewer.address} {once or secrets.token_urlsafe(16)}"
    mail = await _mail(call, given, ticket, box, named)
    by, now = call.viewer.actor, call.desk.now()
    request = ProgramRequest("", _digest(f"message {named}".encode()), _asked(given), by, now)

    def keep(transaction: Transaction) -> Receipt:
        return inbox.keep(transaction.connection, [mail])[0]

    def answer(_: Transaction, receipt: Receipt) -> str:
        return encode(_receipt(receipt, given, box, now)).decode()

    done = await call.desk.transact(lambda transaction: carry_out_once(transaction, request, keep, answer))
    assert done is not None
    if isinstance(done, Refusal):
        raise Problem("key-reused", "Another message came with this external_id.")
    log.program_brought(token=call.token.id, again=done.again)
    return Answer(done.content.encode(), AGAIN if done.again else {})


async def _place(call: Call, given: CustomerMessage) -> tuple[Ticket | None, Mailbox]:
    """Return the ticket that the message is about, if any, and the mailbox. Raises Problem."""
    policy = call.desk.policy
    if not is_ascii_address(given.author) or is_ours(given.author, policy):
        raise invalid(("from", "it is no customer's address of mail"))
    if not body_text(given.text).strip():
        raise invalid(("text", "it is empty"))
    if not given.number:
        box = policy.mailbox_for(given.mailbox) if given.mailbox else next(iter(policy.mailboxes.values()))
        if box is None:
            raise invalid(("mailbox", f"there is none; there are: {', '.join(policy.mailboxes)}"))
        return None, box
    number = ticket_number.normalise(given.number)
    ticket = await call.desk.read(queries.ticket, number) if number else None
    if ticket is None or not call.viewer.may_see(ticket):
        raise Problem("not-found", "There is no such ticket.")
    return ticket, policy.mailbox_for(ticket.mailbox) or next(iter(policy.mailboxes.values()))


async def _mail(
    call: Call, given: CustomerMessage, ticket: Ticket | None, box: Mailbox, named: str
) -> ReceivedMail:
    """Make a mail of the message. Raises Problem."""
    subject = header_text(given.subject)
    if ticket:  # the customer takes part in it or not: that is decided as for any mail that names a ticket
        subject = f"{subject or base_subject(ticket.subject)} {bracketed(ticket.number)}"
    lines, details = _fields(call, given)
    made = ChannelMessage(
        CHANNEL,
        given.author.lower(),
        named,
        text_of(lines, body_text(given.text).strip()),
        name=given.name,
        subject=subject or title(body_text(given.text)),
        files=tuple(attachments.make(each.name, "", each.content) for each in given.files),
        in_reply_to=given.in_reply_to,
        proven=given.confirmed,
        given=Given(details, tuple(map(header_text, given.tags))),
    )
    keys, now = call.desk.deps.runtime.snapshot.keys, call.desk.now()
    try:
        envelope, raw = await asyncio.to_thread(build, made, box, keys, now)
    except ComposeRefused as refusal:
        raise invalid(("", str(refusal))) from refusal
    return ReceivedMail(made.mark, envelope, raw)


def _fields(call: Call, given: CustomerMessage) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the lines above the text, and the details among the fields."""
    known, lines, details = call.desk.policy.details, list[str](), dict[str, str]()
    for label, text in given.fields.items():
        value = body_text(text).strip()
        if value:
            lines.append(f"{header_text(label)}:{chr(10) if chr(10) in value else ' '}{value}")
        if value and label in known:
            details[label] = header_text(value)
    return tuple(lines), details


def _receipt(receipt: Receipt, given: CustomerMessage, box: Mailbox, now: datetime) -> dict[str, Any]:
    return {
        "id": receipt.inbox_id,
        "external_id": given.external_id,
        "mailbox": box.address,
        "received_at": now,
    }


def _asked(given: CustomerMessage) -> str:
    return _digest(msgspec.json.encode(given))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


ROUTES: list[BaseRoute] = [Route("/messages", message, methods=["POST"])]
