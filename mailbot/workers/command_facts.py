"""Loads what the commands on a ticket need besides it, for mail, shell and console alike."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain import commands as c
from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.domain.commands.carry_out import CommandFacts
from mailbot.domain.commands.grammar import Act
from mailbot.domain.compensation.authority import windows
from mailbot.domain.events import IdentityLinked, IdentityUnlinked
from mailbot.domain.model import Ticket
from mailbot.domain.people.identities import is_identity
from mailbot.domain.people.linking import LinkFacts
from mailbot.domain.reasons import Refusal
from mailbot.mail.compose.mime_writer import is_ascii_address
from mailbot.store import compensations, conversation, suppressions, tickets
from mailbot.store.agents import acts
from mailbot.store.channels import identities
from mailbot.workers.held_mails import send_after_all
from mailbot.workers.macros import place_macros
from mailbot.workers.runtime import Snapshot

OTHER_TICKETS = 5  # of a person, that are named after a link


def is_about_money(act: Act) -> bool:
    """Check whether a command needs the ledger, which is locked before any ticket."""
    return any(isinstance(each, c.Compensate | c.Approve | c.Refuse) for each in act.commands)


@dataclass(frozen=True, slots=True)
class Prepared:
    """An act with its macros rendered, and what it needs."""

    act: Act
    facts: CommandFacts


def prepare(
    connection: Connection, snapshot: Snapshot, ticket: Ticket, act: Act, by: Actor, now: datetime
) -> Prepared | Refusal:
    """Find what was held, render macros, check addresses and load the facts.

    Where a command is about money, the caller has locked the ledger before the ticket.
    """
    wanted = send_after_all(connection, ticket, act, by, snapshot.policy, now)
    if isinstance(wanted, Refusal):
        return wanted
    placed = place_macros(connection, snapshot, ticket, wanted.act, by, now)
    if isinstance(placed, Refusal):
        return placed
    if refusal := _no_address(placed):
        return refusal
    facts = _load_facts(connection, ticket, placed, snapshot, by, now)
    return Prepared(placed, replace(facts, attachments=wanted.attachments))


def _no_address(act: Act) -> Refusal | None:
    """Refuse an address to which no mail of ours could go."""
    for command in act.commands:
        match command:
            case c.AddParticipants(addresses=named) | c.RemoveParticipants(addresses=named):
                addresses = named
            case c.SetCustomer(customer=customer):
                addresses = (customer,)
            case c.LinkIdentity(address=address) if not is_identity(address):
                addresses = (address,)
            case _:
                continue
        if bad := next((each for each in addresses if not is_ascii_address(each)), None):
            return reasons.refuse("no_address", address=bad)
    return None


def _load_facts(
    connection: Connection, ticket: Ticket, act: Act, snapshot: Snapshot, by: Actor, now: datetime
) -> CommandFacts:
    roles = tickets.roles_of_tickets(connection, [ticket.number]).get(ticket.number, {})
    addresses = {*roles, ticket.answers_to.lower()} - {""}
    facts = CommandFacts(
        roles=roles,
        suppressions=suppressions.load(connection, addresses, now),
        references=conversation.message_ids(connection, [ticket.number], ticket.answers_to),
        loads=snapshot.agent_loads.loads,
    )
    if is_about_money(act):
        facts = replace(facts, ledger=compensations.facts(connection, ticket, windows(snapshot.policy, now)))
    if any(isinstance(each, c.Undo) for each in act.commands):
        facts = replace(facts, undo=acts.load_undo(connection, ticket.number, by.name))
    if any(
        isinstance(each, c.LinkIdentity | c.UnlinkIdentity | c.AnswerVia | c.Undo) for each in act.commands
    ):
        facts = replace(facts, links=_load_links(connection, ticket, act, facts))
    if any(isinstance(each, c.SetCustomer | c.Help) for each in act.commands):
        pending = compensations.open_requests(connection)
        facts = replace(
            facts, open_requests=tuple(each.id for each in pending if each.ticket == ticket.number)
        )
    return facts


def _load_links(connection: Connection, ticket: Ticket, act: Act, facts: CommandFacts) -> LinkFacts:
    """Load whom the links are about. Nobody else changes links until the transaction ends."""
    identities.lock(connection)
    named = [each.address for each in act.commands if isinstance(each, c.LinkIdentity | c.UnlinkIdentity)]
    undone = facts.undo.act
    links = (each for each in facts.undo.events if isinstance(each, IdentityLinked | IdentityUnlinked))
    taken = [address for each in links for address in (each.address, each.other)]
    people = {ticket.customer, *named, *taken, *((undone.before.customer,) if undone else ())} - {""}
    in_chats = filter(is_identity, named)
    return LinkFacts(
        known=identities.load(connection, people),
        strangers=frozenset(
            each for each in in_chats if identities.name_of_contact(connection, each) is None
        ),
        tickets={each: identities.open_tickets(connection, each, OTHER_TICKETS) for each in named},
    )
