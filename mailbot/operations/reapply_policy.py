"""Applies a changed policy to open tickets: lists which would change and how, then decides about them again.

A transaction takes some hundred tickets, so that mail is not held up.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain import ladder
from mailbot.domain.actor import Actor
from mailbot.domain.escalation.reapply import follows_current_ladder, recompute
from mailbot.domain.ladder import next_deadline
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy
from mailbot.operations.transaction import transact
from mailbot.store import ladders
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime
from mailbot.workers.transaction import Transaction

BATCH = 300  # tickets in one transaction


@dataclass(frozen=True, slots=True)
class Change:
    """What would change on one ticket. `old_due`: its deadline now, None when none is armed."""

    number: str
    old_ladder: str
    new_ladder: str
    same: bool  # its ladder does not change: the calendar or the owner does
    old_due: datetime | None
    new_due: datetime | None


def changes(
    connection: Connection, after: str, policy: Policy, now: datetime
) -> tuple[list[Change], str, int]:
    """List what would change on the next open tickets behind number `after`.

    Return the changes, the last number examined ("": there are no more), and how many were examined.
    """
    found = ladders.open_tickets(connection, after, BATCH)
    examined = [_change(ticket, due_at, policy, now) for ticket, due_at in found]
    return [change for change in examined if change], found[-1][0].number if found else "", len(found)


def _change(ticket: Ticket, due_at: datetime | None, policy: Policy, now: datetime) -> Change | None:
    decision = recompute(ticket, policy, now, Actor.operator())
    deadline = next_deadline(decision.ticket, policy)
    new_due = deadline.due_at if deadline else None
    if not decision.events and new_due == due_at:
        return None
    return Change(
        number=ticket.number,
        old_ladder=_named(ladder.ladder_of(ticket, policy).name, ticket.ladder_digest),
        new_ladder=_named(decision.ticket.ladder, decision.ticket.ladder_digest),
        same=follows_current_ladder(ticket, policy),
        old_due=due_at,
        new_due=new_due,
    )


def _named(name: str, digest: str) -> str:
    return f"{name}@{digest}" if digest else name


@dataclass(frozen=True, slots=True)
class Reapply:
    """Tickets to decide about again, by whom."""

    numbers: tuple[str, ...]
    by: Actor
    now: datetime


def reapply(store: Store, runtime: Runtime, request: Reapply) -> int:
    """Decide again on what each ticket is by now, and record it. Return how many tickets there are."""

    def decide(transaction: Transaction) -> int:
        loaded = transaction.load(request.numbers)
        policy, loads = transaction.snapshot.policy, transaction.snapshot.agent_loads
        decided = []
        for ticket in loaded.values():
            decision = recompute(ticket, policy, request.now, request.by, loads.loads)
            loads.add(ticket, decision.ticket)
            decided.append(transaction.change(ticket, decision))
        transaction.record(*decided)
        return len(decided)

    return transact(store, runtime, request.now, decide)
