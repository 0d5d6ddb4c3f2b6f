"""One transaction around a decision that concerns two tickets: lock both, decide, record, or say why not."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain.commands import Accept, Join, MoveMessage, Split
from mailbot.domain.merging.operations import Change, Changes, Side, Who, goes_to, on_join
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy
from mailbot.operations.transaction import Transaction, transact
from mailbot.store import queries, tickets
from mailbot.store.store import Store
from mailbot.store.tickets import Outdated
from mailbot.workers.runtime import Runtime
from mailbot.workers.ticketing import draw_numbers


@dataclass(frozen=True, slots=True)
class MergeCommand:
    """One command. `number`: the ticket it is about; "" for MoveMessage, whose message says where it is."""

    number: str
    command: Join
    by: str
    now: datetime


def join(store: Store, runtime: Runtime, request: MergeCommand) -> Changes | str | None:
    """Return the changes, recorded, or the refusal. None when there is no such ticket or message."""
    return transact(store, runtime, request.now, lambda transaction: _decide(transaction, request))


def _decide(transaction: Transaction, request: MergeCommand) -> Changes | str | None:
    connection, command = transaction.connection, request.command
    number: str | None = request.number
    if isinstance(command, MoveMessage):
        number = tickets.where_is(connection, command.message)
    seen = queries.ticket(connection, number or "")
    if seen is None:
        return None
    # Both locks are taken in one go and in the order of their numbers, so that two nodes never wait for each
    # other. Who merged it between the look and the lock was first: then this is decided again.
    other = _other(connection, command, seen)
    locked = transaction.load({seen.number, other} - {""})
    source = _side(connection, locked[seen.number])
    if _other(connection, command, source.ticket) != other:
        raise Outdated("the ticket was joined to another by somebody else meanwhile")
    target = _side(connection, locked[other]) if other in locked else None
    policy = transaction.snapshot.policy
    who = Who(request.by, policy, request.now)
    decided = on_join(command, source, target, _fresh(connection, command, source, policy), who)
    if not isinstance(decided, str):
        transaction.record_all([_outcome(transaction, change) for change in decided])
    return decided


def _other(connection: Connection, command: Join, seen: Ticket) -> str:
    number = goes_to(command, seen, [each.event for each in tickets.events_of(connection, seen.number)])
    while isinstance(command, Accept) and (named := queries.ticket(connection, number)) and named.merged_into:
        number = named.merged_into  # what a claim names may have been merged since
    return number


def _side(connection: Connection, ticket: Ticket) -> Side:
    number = ticket.number
    return Side(
        ticket,
        tuple(each.event for each in tickets.events_of(connection, number)),
        tuple(tickets.posts_of(connection, [number])[number]),
        frozenset(tickets.participants_of(connection, [number]).get(number, ())),
    )


def _fresh(connection: Connection, command: Join, source: Side, policy: Policy) -> str:
    if not isinstance(command, Split):
        return ""
    box = policy.mailbox_for(source.ticket.mailbox) or next(iter(policy.mailboxes.values()))
    return draw_numbers(connection, [box])[0]


def _outcome(transaction: Transaction, change: Change) -> tickets.Outcome:
    role = "customer" if change.before is None else "participant"
    joining = [(address, role) for address in change.joining]
    made = transaction.outcome(change.before, change.decision, participants=joining)
    return replace(made, came=change.came, leaving=change.leaving)
