"""Open a ticket for a customer who called or came by, or to whom an agent writes first."""

from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import formataddr

from sqlalchemy import Connection

from mailbot.domain import commands as c
from mailbot.domain import reasons
from mailbot.domain.actor import Actor, ActorKind
from mailbot.domain.commands.grammar import Act
from mailbot.domain.matching import Match
from mailbot.domain.model import Direction, Envelope, InboundMail
from mailbot.domain.opening import open_ticket as decide_opening
from mailbot.domain.people.customer import is_outside
from mailbot.domain.people.identities import channel_of, is_identity, mail_form
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Reason, Refusal
from mailbot.domain.replies.mail_facts import MailFacts
from mailbot.domain.replies.without_token import Forwarded
from mailbot.mail.compose.mime_writer import is_ascii_address
from mailbot.mail.compose.sample_mail import write_mail
from mailbot.mail.parsing.parse import parse
from mailbot.operations import acknowledge, ticket_commands
from mailbot.operations.ticket_commands import TicketCommand
from mailbot.operations.transaction import transact, transact_in_turn
from mailbot.store import customer_history, suppressions
from mailbot.store.channels import identities
from mailbot.store.codec import match_data
from mailbot.store.console import forms
from mailbot.store.store import Store
from mailbot.store.tickets import Message
from mailbot.workers.runtime import Runtime
from mailbot.workers.ticket_numbers import draw_numbers
from mailbot.workers.transaction import Transaction


@dataclass(frozen=True, slots=True)
class OpenTicketCommand:
    """A new matter.

    - `customer`: address, or an identity in a chat that wrote to us before, with `name` where it is known.
    - `mailbox`: "" for the first one.
    - `said`: what the customer said, by which the rules route it. `note`: for the team alone.
    - `answer`: what the customer gets at once, from the agent `by`.
    - `acknowledge`: the customer gets the number by mail. `take`: the ticket is the agent's who opens it.
    - `once`: the key of a form. `source`: where the command came from.
    """

    customer: str
    subject: str
    by: Actor
    now: datetime
    said: str = ""
    name: str = ""
    mailbox: str = ""
    note: str = ""
    answer: str = ""
    acknowledge: bool = False
    take: bool = False
    once: str = ""
    source: Reason = ticket_commands.COMMAND_LINE


def open_ticket(store: Store, runtime: Runtime, request: OpenTicketCommand) -> str | Refusal:
    """Return the new ticket's number, recorded with all that was asked for, or the refusal of all of it."""
    try:
        return transact(store, runtime, request.now, lambda transaction: _decide(transaction, request))
    except _Refused as refused:
        return refused.refusal


async def open_in_turn(store: Store, runtime: Runtime, request: OpenTicketCommand) -> str | Refusal:
    """Do the same inside the daemon, for the pages and the API."""
    try:
        return await transact_in_turn(
            store, runtime, request.now, lambda transaction: _decide(transaction, request)
        )
    except _Refused as refused:
        return refused.refusal


class _Refused(Exception):
    """A part was refused after the ticket was recorded: the whole transaction goes back."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


def _decide(transaction: Transaction, request: OpenTicketCommand) -> str | Refusal:
    policy, connection, now = transaction.snapshot.policy, transaction.connection, request.now
    if request.once and (done := forms.find(connection, request.once, request.by)):
        return done.ticket or reasons.refuse("already_done")
    if refusal := _why_refused(request, policy) or _why_unknown(connection, request.customer):
        return refusal
    box = policy.mailboxes[request.mailbox or next(iter(policy.mailboxes))]
    mail = _as_mail(request, box.address)
    transaction.snapshot.agent_loads.refresh(connection, policy)
    (number,) = draw_numbers(connection, [box])
    facts = MailFacts(
        number,
        Match(),
        forwarded=Forwarded(request.by, request.note, spoken=True),
        suppressions=suppressions.load(connection, {request.customer}, now),
        customer_history=customer_history.load(connection, [request.customer], now)[request.customer],
        loads=transaction.snapshot.agent_loads.loads,
    )
    decided = decide_opening(mail, Envelope("", (box.address,), "", now), facts, policy, now)
    people = ((decided.decision.ticket.customer, "customer"),)
    message = _message(mail, request)
    transaction.record(transaction.change(None, decided.decision, message, participants=people))
    _go_on(transaction, number, request)
    if request.once:
        forms.add(connection, request.once, request.by, now, number)
    return number


def _why_refused(request: OpenTicketCommand, policy: Policy) -> Refusal | None:
    if not is_identity(request.customer) and not is_ascii_address(request.customer):
        return reasons.refuse("no_address", address=request.customer[:60])
    if not is_outside(request.customer, policy):
        return reasons.refuse("staff_is_no_customer", address=request.customer)
    if request.mailbox and request.mailbox not in policy.mailboxes:
        return reasons.refuse("no_mailbox", mailbox=request.mailbox[:60])
    if not request.subject.strip() and not request.said.strip():
        return reasons.refuse("matter_is_empty")
    return None


def _why_unknown(connection: Connection, customer: str) -> Refusal | None:
    """Refuse an identity in a chat from which nobody has written: a wrong digit would write to a stranger."""
    if not is_identity(customer) or identities.name_of_contact(connection, customer) is not None:
        return None
    return reasons.refuse("identity_unknown", address=customer)


def _as_mail(request: OpenTicketCommand, mailbox: str) -> InboundMail:
    """Return the matter as the mail that the customer could have written: rules and language work on that."""
    name = " ".join(request.name.split())[:80]
    address = mail_form(request.customer)
    sender = formataddr((name, address)) if name.isascii() else address
    subject = request.subject.strip() or request.said.strip().split("\n")[0]
    mail = parse(write_mail(sender, mailbox, subject[:200], request.said), own_addresses=[mailbox])
    return replace(mail, sender=request.customer, channel=channel_of(request.customer))


def _message(mail: InboundMail, request: OpenTicketCommand) -> Message:
    match = Match(reason=reasons.of("written_down_by", agent=request.by.name))
    return Message(
        request.now,
        Direction.IN,
        request.customer,
        mail.subject,
        mail.text,
        mail.visible,
        evidence=match_data(match),
        turn="customer",
        channel=mail.channel,
        addresses={"name": request.name} if request.name else {},
    )


def _go_on(transaction: Transaction, number: str, request: OpenTicketCommand) -> None:
    """Carry out what was asked for beside opening it, in the same transaction. Raises _Refused."""
    by, now = request.by, request.now
    if request.acknowledge:
        _require(acknowledge.decide(transaction, acknowledge.AcknowledgeCommand(number, by, now)))
    takes = request.take and by.kind is ActorKind.AGENT
    if takes or request.answer.strip():
        act = Act((c.Assign(by.name),) if takes else (), request.answer.strip())
        _require(
            ticket_commands.decide(transaction, TicketCommand(number, act, by, now, source=request.source))
        )


def _require(decided: object) -> None:
    if isinstance(decided, Refusal):
        raise _Refused(decided)
