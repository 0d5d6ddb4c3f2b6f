"""What agents change about the people of a ticket: who takes part, and who is the customer."""

from collections.abc import Collection
from datetime import datetime

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain import notify, reasons
from mailbot.domain.actor import Actor
from mailbot.domain.lifecycle import DecisionBuilder
from mailbot.domain.model import OVER, TAKES_PART, NoticeKind, Role
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.customer import why_unfit
from mailbot.domain.people.participants import MOST_TAKING_PART, Roles
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Refusal


def apply_people(
    builder: DecisionBuilder,
    command: c.People,
    roles: Roles,
    by: Actor,
    policy: Policy,
    now: datetime,
    *,
    open_requests: Collection[int] = (),
) -> Refusal | None:
    """Carry out the command, or return why not. `open_requests`: for compensation on this ticket."""
    ticket = builder.ticket
    if ticket.merged_into:
        return reasons.refuse("ticket_merged_into", ticket=ticket.number, into=ticket.merged_into)
    match command:
        case c.AddParticipants(addresses):
            return _add(builder, addresses, roles, by, policy, now)
        case c.RemoveParticipants(addresses):
            return _remove(builder, addresses, roles, by, now)
        case c.SetCustomer(address):
            return _set_customer(builder, address, by, policy, now, open_requests)


def _add(
    builder: DecisionBuilder,
    addresses: tuple[str, ...],
    roles: Roles,
    by: Actor,
    policy: Policy,
    now: datetime,
) -> Refusal | None:
    taking_part = {owner(address) for address, role in roles.items() if role in TAKES_PART}
    known = {owner(address): address for address in roles}
    for address in addresses:
        if refusal := why_unfit(address, policy):
            return refusal
        if owner(address) in taking_part:
            return reasons.refuse("takes_part_already", address=address, ticket=builder.ticket.number)
    joining = {owner(address): known.get(owner(address), address) for address in addresses}
    present = sum(role is Role.PARTICIPANT for role in roles.values())
    if present + len(joining) > MOST_TAKING_PART:
        number = builder.ticket.number
        return reasons.refuse("too_many_participants", ticket=number, most=MOST_TAKING_PART)
    because = reasons.of("by_actor", actor=str(by))
    builder.record(e.ParticipantsAdded(now, by, tuple(joining.values()), Role.PARTICIPANT, because))
    return None


def _remove(
    builder: DecisionBuilder, addresses: tuple[str, ...], roles: Roles, by: Actor, now: datetime
) -> Refusal | None:
    leaving: dict[str, None] = {}
    for address in addresses:
        same = [each for each in roles if owner(each) == owner(address)]
        if not any(roles[each] is not Role.REMOVED for each in same):
            return reasons.refuse("no_participant", address=address, ticket=builder.ticket.number)
        answered = owner(address) == owner(builder.ticket.answers_to)
        if owner(address) != owner(builder.ticket.customer) and any(
            roles[each] is Role.CUSTOMER for each in same
        ):
            return reasons.refuse("linked_stays", address=address, ticket=builder.ticket.number)
        if answered or any(roles[each] is Role.CUSTOMER for each in same):
            return reasons.refuse("customer_stays", address=address, ticket=builder.ticket.number)
        leaving |= dict.fromkeys(same)
    builder.record(e.ParticipantsRemoved(now, by, tuple(leaving)))
    return None


def _set_customer(
    builder: DecisionBuilder,
    address: str,
    by: Actor,
    policy: Policy,
    now: datetime,
    open_requests: Collection[int],
) -> Refusal | None:
    ticket = builder.ticket
    if refusal := why_unfit(address, policy):
        return refusal
    if address == ticket.customer and not ticket.reply_to:
        return reasons.refuse("is_customer", address=address, ticket=ticket.number)
    if open_requests:  # it was asked for within the limits of this customer
        listed = ", ".join(map(str, sorted(open_requests)))
        return reasons.refuse("customer_has_request", ticket=ticket.number, requests=listed)
    builder.record(e.CustomerChanged(now, by, address, ticket.customer))
    if ticket.reply_to and owner(address) not in (owner(ticket.customer), owner(ticket.reply_to)):
        builder.record(e.ParticipantsRemoved(now, by, (ticket.reply_to,)))  # it is the former customer's
    if ticket.status not in OVER:  # replies to older notices are held from now on
        because = reasons.of("customer_set", customer=address, former=ticket.customer, actor=str(by))
        notify.notify_team(builder, policy, now, NoticeKind.NOTIFY, because)
    return None
