"""One transaction around a decision that concerns two tickets: lock both, decide, record, or say why not."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain.commands import Accept, Join, MoveMessage, Split
from mailbot.domain.merging.operations import Change, Changes, Side, Who, goes_to, on_join
from mailbot.domain.model import Ticket
from mailbot.store import queries, tickets
from mailbot.store.store import Store
from mailbot.store.tickets import Outdated
from mailbot.workers.outbox_rows import outcome
from mailbot.workers.runtime import Live
from mailbot.workers.ticketing import fresh_numbers


@dataclass(frozen=True, slots=True)
class Joining:
    """One command. `number`: the ticket it is about; "" for MoveMessage, whose message says where it is."""

    number: str
    command: Join
    by: str
    now: datetime


def join(store: Store, live: Live, wanted: Joining) -> Changes | str | None:
    """What it led to, recorded; the refusal in words; None when there is no such ticket or message."""
    return tickets.decide_now(store, lambda connection, item: _apply(connection, item, live), wanted)


def _apply(connection: Connection, wanted: Joining, live: Live) -> Changes | str | None:
    number: str | None = wanted.number
    if isinstance(wanted.command, MoveMessage):
        number = tickets.where_is(connection, wanted.command.message)
    seen = queries.ticket(connection, number or "")
    if seen is None:
        return None
    # Both locks are taken in one go and in the order of their numbers, so that two nodes never wait for each
    # other. Who merged it between the look and the lock was first: then this is decided again.
    other = _other(connection, wanted.command, seen)
    locked = tickets.load(connection, {seen.number, other} - {""})
    source = _side(connection, locked[seen.number])
    if _other(connection, wanted.command, source.ticket) != other:
        raise Outdated("the ticket was joined to another by somebody else meanwhile")
    target = _side(connection, locked[other]) if other in locked else None
    who = Who(wanted.by, live.policy, wanted.now)
    decided = on_join(wanted.command, source, target, _fresh(connection, wanted.command, source, live), who)
    if not isinstance(decided, str):
        tickets.record(connection, [_outcome(each, live, wanted.now) for each in decided])
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


def _fresh(connection: Connection, command: Join, source: Side, live: Live) -> str:
    if not isinstance(command, Split):
        return ""
    box = live.policy.mailbox_for(source.ticket.mailbox) or next(iter(live.policy.mailboxes.values()))
    return fresh_numbers(connection, [box])[0]


def _outcome(change: Change, live: Live, now: datetime) -> tickets.Outcome:
    role = "customer" if change.before is None else "participant"
    made = outcome(
        change.before, change.decision, live, now, participants=[(each, role) for each in change.joining]
    )
    return replace(made, came=change.came, leaving=change.leaving)
