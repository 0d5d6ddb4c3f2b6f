"""Reads the commands on top of an agent's mail, and loads what they need."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain import commands as c
from mailbot.domain.actor import Actor
from mailbot.domain.commands import grammar
from mailbot.domain.commands.carry_out import NO_FACTS, Acted, CommandFacts
from mailbot.domain.commands.grammar import Act
from mailbot.domain.commands.registry import Reading
from mailbot.domain.model import InboundMail, Ticket
from mailbot.domain.people.participants import Roles
from mailbot.domain.policy import Agent
from mailbot.domain.reasons import Refusal
from mailbot.domain.replies.same_mail import ACTED
from mailbot.store import compensations
from mailbot.store.inbox import ClaimedMail
from mailbot.workers.command_facts import is_about_money, prepare
from mailbot.workers.inbound.tapped import Tapped, read_tap
from mailbot.workers.joins import decide_join
from mailbot.workers.runtime import Snapshot
from mailbot.workers.transaction import Transaction


@dataclass(frozen=True, slots=True)
class AgentCommands:
    """What the verbs of one mail want, None without verbs, and what they need."""

    act: Act | Refusal | None = None
    facts: CommandFacts = NO_FACTS


NO_COMMANDS = AgentCommands()


def lock_ledger(
    connection: Connection, batch: Iterable[tuple[ClaimedMail, InboundMail]], snapshot: Snapshot
) -> None:
    """Lock the ledger where a mail of an agent may be about money: that lock comes before any ticket's."""
    agents = snapshot.policy.agents
    if any(mail.sender in agents and _may_be_about_money(claimed, mail) for claimed, mail in batch):
        compensations.lock(connection)


def _may_be_about_money(claimed: ClaimedMail, mail: InboundMail) -> bool:
    is_tap = any("+a." in address.lower() for address in claimed.envelope.recipients)
    return is_tap or grammar.names_money(mail.text)


def read_commands(
    connection: Connection,
    snapshot: Snapshot,
    ticket: Ticket,
    mail: InboundMail,
    agent: Agent,
    tapped: Tapped | None,
    roles: Roles,
    now: datetime,
) -> AgentCommands:
    """Read the verbs on top of an agent's proven mail, or the link that was tapped, whatever the mail's text.

    `roles`: of the ticket's people, as of now.
    """
    by = Actor.agent(agent.address)
    if tapped:
        act = read_tap(connection, snapshot, ticket, tapped, agent, now)
    elif grammar.has_verbs(mail.visible):
        act = grammar.read(mail.visible, Reading(ticket, by, snapshot.policy, now))
    else:
        return NO_COMMANDS
    if isinstance(act, Refusal):
        return AgentCommands(act)
    if is_about_money(act):
        compensations.lock(connection)
    if accepts(act) and (refusal := accept(connection, snapshot, ticket.number, by, now, dry_run=True)):
        return AgentCommands(refusal)
    prepared = prepare(connection, snapshot, ticket, act, by, now)
    if isinstance(prepared, Refusal):
        return AgentCommands(prepared)
    return AgentCommands(prepared.act, replace(prepared.facts, roles=roles, by_mail=True))


def accepts(act: Act) -> bool:
    """Check whether the act takes a held ticket to the one that it names."""
    return any(isinstance(each, c.Accept) for each in act.commands)


def accept(
    connection: Connection,
    snapshot: Snapshot,
    number: str,
    by: Actor,
    now: datetime,
    *,
    dry_run: bool = False,
) -> Refusal | None:
    """Take a held ticket to the one that it names, or return why not."""
    transaction = Transaction(connection, snapshot, now)
    decided = decide_join(transaction, number, c.Accept(), by, dry_run=dry_run)
    return decided if isinstance(decided, Refusal) else None


def as_stored(mail: InboundMail, acted: Acted) -> InboundMail:
    """Return the mail with what people see of it: the text that went to the customer, or the note alone."""
    notes = [each.text for each in acted.act.commands if isinstance(each, c.AddNote)]
    is_note = notes and len(acted.act.commands) == 1
    visible = acted.answer or (notes[0] if is_note else mail.visible)
    return replace(mail, visible=visible, new_body=None, flags=(*mail.flags, ACTED))
