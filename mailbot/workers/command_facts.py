"""Loads what the commands on a ticket need besides it, for mail, shell and console alike."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain import commands as c
from mailbot.domain.actor import Actor
from mailbot.domain.assignment import Loads
from mailbot.domain.commands.carry_out import CommandFacts
from mailbot.domain.commands.grammar import Act
from mailbot.domain.compensation.authority import windows
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy
from mailbot.store import compensations, conversation, suppressions, tickets
from mailbot.store.agents import acts


def is_about_money(act: Act) -> bool:
    """Check whether a command needs the ledger, which is locked before any ticket."""
    return any(isinstance(each, c.Compensate | c.Approve | c.Refuse) for each in act.commands)


def load_facts(
    connection: Connection, ticket: Ticket, act: Act, policy: Policy, loads: Loads, now: datetime, by: Actor
) -> CommandFacts:
    """Load the facts. Where a command is about money, the caller has locked the ledger before the ticket."""
    roles = tickets.roles_of_tickets(connection, [ticket.number]).get(ticket.number, {})
    addresses = {*roles, ticket.answers_to.lower()} - {""}
    facts = CommandFacts(
        roles=roles,
        suppressions=suppressions.load(connection, addresses, now),
        references=conversation.message_ids(connection, [ticket.number], ticket.answers_to),
        loads=loads,
    )
    if is_about_money(act):
        facts = replace(facts, ledger=compensations.facts(connection, ticket, windows(policy, now)))
    if any(isinstance(each, c.Undo) for each in act.commands):
        facts = replace(facts, undo=acts.load_undo(connection, ticket.number, by.name))
    if any(isinstance(each, c.SetCustomer) for each in act.commands):
        pending = compensations.open_requests(connection)
        facts = replace(
            facts, open_requests=tuple(each.id for each in pending if each.ticket == ticket.number)
        )
    return facts
