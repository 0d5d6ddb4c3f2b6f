"""What agents change about the identities of a customer, and where answers go because the customer wrote from there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain import reasons
from mailbot.domain.actor import CUSTOMER, POLICY, Actor
from mailbot.domain.language import guess
from mailbot.domain.lifecycle import DecisionBuilder
from mailbot.domain.model import Authentication, InboundMail, Post, Role, Ticket
from mailbot.domain.people import persons
from mailbot.domain.people.addresses import organisation, owner
from mailbot.domain.people.customer import passed_on_for, reply_to_at_home, why_unfit
from mailbot.domain.people.identities import channel_label, channel_of, is_channel, is_identity
from mailbot.domain.people.participants import Roles
from mailbot.domain.people.persons import Known
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Reason, Refusal


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """What links depend on.

    - `known`: the identities of the customer, and of everybody whom the act names.
    - `strangers`: named identities in chats from which nobody has written.
    - `tickets`: the open tickets of an address that is to be linked.
    """

    known: Known = field(default_factory=dict)
    strangers: frozenset[str] = frozenset()
    tickets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


NO_LINKS = LinkFacts()


def customers(ticket: Ticket, roles: Roles) -> set[str]:
    """Return who the customer is, by all identities, as `addresses.owner` writes them."""
    linked = (owner(address) for address, role in roles.items() if role is Role.CUSTOMER)
    return {owner(ticket.customer), *linked} - {""}


def is_customers(address: str, ticket: Ticket, roles: Roles) -> bool:
    """Check for an address of the customer: where answers go, or a linked identity."""
    return owner(address) in customers(ticket, roles) | {owner(ticket.answers_to)}


def new_language(ticket: Ticket, mail: InboundMail, policy: Policy, roles: Roles) -> str:
    """Return the language in which the customer clearly writes now, "" where the ticket has it, or it is unclear."""
    if not is_customers(passed_on_for(mail, policy) or mail.sender, ticket, roles):
        return ""
    written = guess(mail.visible)
    return written if written != ticket.language else ""


# --- what agents change -----------------------------------------------------------------------------------


def apply_identity(
    builder: DecisionBuilder,
    command: c.Identities,
    facts: LinkFacts,
    by: Actor,
    policy: Policy,
    now: datetime,
) -> Known | Refusal:
    """Carry out the command. Return the identities as they are from then on, or why it was not carried out."""
    ticket = builder.ticket
    if ticket.merged_into:
        return reasons.refuse("ticket_merged_into", ticket=ticket.number, into=ticket.merged_into)
    if not ticket.customer:
        return reasons.refuse("no_customer_address")
    match command:
        case c.LinkIdentity(address):
            return _link(builder, address, facts, by, policy, now)
        case c.UnlinkIdentity(address):
            return _unlink(builder, address, facts.known, by, now)
        case c.AnswerVia(to):
            return _answer_via(builder, to, facts.known, by, now)


def _link(
    builder: DecisionBuilder, address: str, facts: LinkFacts, by: Actor, policy: Policy, now: datetime
) -> Known | Refusal:
    customer, known = builder.ticket.customer, facts.known
    if refusal := why_unfit(address, policy):
        return refusal
    if owner(address) == owner(customer) or persons.is_linked(known, customer, address):
        return reasons.refuse("linked_already", address=address, customer=customer)
    if address in facts.strangers:
        return reasons.refuse("identity_unknown", address=address)
    linked = persons.link(known, customer, address, now, str(by), e.IdentityLinked.kind)
    if len(persons.of_person(linked, customer)) > persons.MOST_LINKED:
        return reasons.refuse("too_many_identities", customer=customer, most=persons.MOST_LINKED)
    builder.record(e.IdentityLinked(now, by, address, customer))
    return linked


def _unlink(
    builder: DecisionBuilder, address: str, known: Known, by: Actor, now: datetime
) -> Known | Refusal:
    ticket = builder.ticket
    cut = persons.link_between(known, ticket.customer, address)
    if cut is None:
        return _not_linked(address, ticket, known)
    other, unlinked = (known[each].written for each in cut)
    builder.record(e.IdentityUnlinked(now, by, unlinked, other))
    parted = persons.unlink(known, other, unlinked)
    if persons.is_linked(known, ticket.customer, ticket.reply_to):
        settle_answers(builder, parted, now, was_linked=True)
    return parted


def _answer_via(builder: DecisionBuilder, to: str, known: Known, by: Actor, now: datetime) -> Known | Refusal:
    ticket = builder.ticket
    found = _meant(to, ticket, known)
    if isinstance(found, Refusal):
        return found
    if owner(found) == owner(ticket.answers_to):
        return reasons.refuse("answers_go_there", ticket=ticket.number, address=found)
    builder.record(e.AnswersMoved(now, by, found, reasons.of("by_actor", actor=str(by))))
    return known


def _meant(to: str, ticket: Ticket, known: Known) -> str | Refusal:
    """Return the customer's identity that is named by itself or by its channel."""
    own = {**persons.of_person(known, ticket.customer), owner(ticket.customer): ticket.customer}
    if not is_channel(to):
        return own[owner(to)] if owner(to) in own else _not_linked(to, ticket, known)
    name = channel_label(to)
    there = sorted(written for written in own.values() if channel_of(written) == to)
    if len(there) > 1 and ticket.customer not in there:
        listed = _listed(there)
        return reasons.refuse("several_identities_in", channel=name, ticket=ticket.number, linked=listed)
    if not there:
        return reasons.refuse(
            "no_identity_in", channel=name, ticket=ticket.number, linked=_listed(sorted(own.values()))
        )
    return ticket.customer if ticket.customer in there else there[0]


def _not_linked(address: str, ticket: Ticket, known: Known) -> Refusal:
    linked = persons.of_person(known, ticket.customer)
    others = sorted(written for each, written in linked.items() if each != owner(ticket.customer))
    if not others:
        return reasons.refuse("nothing_linked", address=address, ticket=ticket.number)
    return reasons.refuse("not_linked", address=address, ticket=ticket.number, linked=_listed(others))


def _listed(addresses: Sequence[str]) -> Reason:
    return reasons.together(*(reasons.of("address", address=each) for each in addresses))


def taken_back(
    events: Iterable[e.Event], known: Known, by: Actor, now: datetime
) -> tuple[tuple[e.Event, ...], Known]:
    """Return what takes the links of an act back, where they are still as it left them, and the identities then."""
    found: list[e.Event] = []
    for event in reversed(tuple(events)):
        match event:
            case e.IdentityLinked(address=address, other=other):
                after = persons.unlink(known, other, address)
                inverse: e.Event = e.IdentityUnlinked(now, by, address, other)
            case e.IdentityUnlinked(address=address, other=other):
                after = persons.link(known, other, address, now, str(by), e.IdentityLinked.kind)
                inverse = e.IdentityLinked(now, by, address, other)
            case _:
                continue
        if after != known:
            found.append(inverse)
            known = after
    return tuple(found), known


# --- where answers go ---------------------------------------------------------------------------------------


def settle_answers(
    builder: DecisionBuilder, known: Known, now: datetime, *, was_linked: bool = False
) -> None:
    """Let answers go to the customer again where they went to an identity that is not linked any more.

    Without `was_linked` an address of the customer's own organisation may have been named by the customer.
    """
    ticket = builder.ticket
    if not ticket.reply_to or persons.is_linked(known, ticket.customer, ticket.reply_to):
        return
    mine = organisation(ticket.customer)
    at_home = not is_identity(ticket.reply_to) and mine == organisation(ticket.reply_to) != ""
    if was_linked or not at_home:
        builder.record(e.AnswersMoved(now, POLICY, ticket.customer, reasons.of("linked_no_more")))


def follow_customer(
    builder: DecisionBuilder, author: str, mail: InboundMail, roles: Roles, policy: Policy, now: datetime
) -> Reason:
    """Let answers go where the customer wrote from just now. Return that for the agent, no reason where it is so.

    A mail whose sender failed authentication changes nothing.
    """
    if mail.authentication is Authentication.FAIL:
        return reasons.NO_REASON
    at_home = reply_to_at_home(mail, policy) if mail.sender == author else ""
    return _follow(builder, author, at_home, customers(builder.ticket, roles), now)


def follow_posts(
    builder: DecisionBuilder,
    before: Sequence[Post],
    posts: Sequence[Post],
    linked: Iterable[str],
    now: datetime,
) -> None:
    """Let answers go where the customer wrote last, after messages came to the ticket or left it."""
    newest = [
        max(
            (post for post in each if post.turn == "customer"),
            key=lambda post: (post.at, post.id),
            default=None,
        )
        for each in (before, posts)
    ]
    if newest[1] and newest[0] != newest[1]:
        people = {owner(builder.ticket.customer), *map(owner, linked)}
        _follow(builder, newest[1].author, "", people, now)


def _follow(builder: DecisionBuilder, author: str, at_home: str, people: set[str], now: datetime) -> Reason:
    ticket = builder.ticket
    answered = ticket.reply_to if owner(ticket.reply_to) in people else ticket.customer
    if owner(author) not in people or owner(author) == owner(answered):
        return reasons.NO_REASON
    to = at_home or (ticket.customer if owner(author) == owner(ticket.customer) else author)
    because = reasons.of("customer_writes_from", address=to)
    builder.record(e.AnswersMoved(now, CUSTOMER, to, because))
    return because
