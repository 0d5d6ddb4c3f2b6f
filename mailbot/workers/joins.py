"""Commands about two tickets, in a transaction: both are locked, decided about and recorded."""

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection

from mailbot.domain.actor import Actor
from mailbot.domain.commands import Accept, Join, MoveMessage, Split
from mailbot.domain.merging.operations import Change, Changes, Context, TicketState, goes_to, on_join
from mailbot.domain.model import Ticket
from mailbot.domain.people.participants import taking_part
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Refusal
from mailbot.store import queries, tickets
from mailbot.store.tickets import Outdated
from mailbot.workers.ticket_numbers import draw_numbers
from mailbot.workers.transaction import Transaction


def decide_join(
    transaction: Transaction,
    asked: str,
    command: Join,
    by: Actor,
    *,
    dry_run: bool = False,
    sees: Callable[[Ticket], bool] | None = None,
) -> Changes | Refusal | None:
    """Return the changes, recorded, or the refusal. None when there is no such ticket or message.

    `asked`: the ticket that it is about, "" for MoveMessage, whose message knows its ticket. A `dry_run` records
    nothing. `sees`: another ticket that this person may not see is as if it were not there.
    """
    connection = transaction.connection
    number: str | None = asked
    if isinstance(command, MoveMessage):
        number = tickets.ticket_of_message(connection, command.message)
    unlocked = queries.ticket(connection, number or "")
    if unlocked is None:
        return None
    # Both locks are taken in one go and in the order of their numbers, so that two nodes never wait for each
    # other. A merge between the first read and the locks came first: then this is decided again.
    other = _other(connection, command, unlocked)
    locked = transaction.load({unlocked.number, other} - {""})
    source = _state(connection, locked[unlocked.number])
    if _other(connection, command, source.ticket) != other:
        raise Outdated("the ticket was merged in between")
    hidden = sees is not None and other in locked and not sees(locked[other])
    target = _state(connection, locked[other]) if other in locked and not hidden else None
    policy = transaction.snapshot.policy
    context = Context(by, policy, transaction.now)
    decided = on_join(command, source, target, _new_number(connection, command, source, policy), context)
    if not isinstance(decided, Refusal) and not dry_run:
        transaction.record(*(_ticket_change(transaction, change) for change in decided))
    return decided


def _other(connection: Connection, command: Join, ticket: Ticket) -> str:
    """Return the number of the other ticket, "" when the command needs none."""
    events = [each.event for each in tickets.events_of(connection, ticket.number)]
    number = goes_to(command, ticket, events)
    while isinstance(command, Accept) and (named := queries.ticket(connection, number)) and named.merged_into:
        number = named.merged_into  # what a claim names may have been merged since
    return number


def _state(connection: Connection, ticket: Ticket) -> TicketState:
    number = ticket.number
    stored, linked = tickets.people_of(connection, number)
    return TicketState(
        ticket,
        tuple(each.event for each in tickets.events_of(connection, number)),
        tuple(tickets.posts_of(connection, [number])[number]),
        frozenset(taking_part(stored)),
        frozenset(linked.values()),
    )


def _new_number(connection: Connection, command: Join, source: TicketState, policy: Policy) -> str:
    if not isinstance(command, Split):
        return ""
    box = policy.mailbox_for(source.ticket.mailbox) or next(iter(policy.mailboxes.values()))
    return draw_numbers(connection, [box])[0]


def _ticket_change(transaction: Transaction, change: Change) -> tickets.TicketChange:
    role = "customer" if change.before is None else "participant"
    joining = [(address, role) for address in change.joining]
    ticket_change = transaction.change(
        change.before, change.decision, participants=joining, arrived=change.arrived
    )
    return replace(ticket_change, leaving=change.leaving)
