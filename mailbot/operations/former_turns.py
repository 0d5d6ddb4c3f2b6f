"""Tickets of earlier versions, where any answer gave the turn to the customer: list whose turn it would be now.

Nothing changes by itself. An operator reads the list and applies it.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain import events as e
from mailbot.domain import ladder
from mailbot.domain.actor import Actor
from mailbot.domain.lifecycle import Decision, DecisionBuilder, clocks_set
from mailbot.domain.model import Direction, Status, Ticket, Turn
from mailbot.domain.policy import Policy
from mailbot.domain.replies.agent_answer import Next, next_turn
from mailbot.operations.transaction import transact
from mailbot.store import ladders, queries
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime
from mailbot.workers.transaction import Transaction

BATCH = 300  # tickets in one transaction
_LONGEST = 20_000  # characters of an answer


@dataclass(frozen=True, slots=True)
class FormerTurn:
    """A ticket that waits for its customer though its newest answer asks nothing.

    `promised_at`: the promise that would run. `words`: how the answer begins.
    """

    number: str
    answered_at: datetime
    words: str
    turn: Turn
    promised_at: datetime | None


def former_turns(
    connection: Connection, after: str, policy: Policy, now: datetime
) -> tuple[list[FormerTurn], str]:
    """List them among the next open tickets behind number `after`, and the last number seen, "" at the end."""
    seen = [ticket for ticket, _ in ladders.open_tickets(connection, after, BATCH)]
    found = (_former(connection, ticket, policy, now) for ticket in seen)
    return [each for each in found if each], seen[-1].number if len(seen) == BATCH else ""


def _former(connection: Connection, ticket: Ticket, policy: Policy, now: datetime) -> FormerTurn | None:
    decided = _decide(connection, ticket, policy, Actor.operator(), now)
    if decided is None:
        return None
    decision, answered_at, text = decided
    promised_at = ladder.promised_at(decision.ticket, policy)
    return FormerTurn(ticket.number, answered_at, " ".join(text.split()), Turn.OURS, promised_at)


def _decide(
    connection: Connection, ticket: Ticket, policy: Policy, by: Actor, now: datetime
) -> tuple[Decision, datetime, str] | None:
    """Return the decision with the newest answer; None where the turn stays. Since version 0004 it has a reason."""
    if ticket.status is not Status.WAITING or ticket.turn_why or ticket.unanswered:
        return None
    written = queries.messages_of(connection, ticket.number, longest=_LONGEST)
    answer = next((each for each in reversed(written) if each.direction is Direction.OUT), None)
    after = next_turn(ticket, answer.text, policy) if answer else Next(Turn.CUSTOMER)
    if answer is None or after.turn is not Turn.OURS:
        return None
    builder = DecisionBuilder(ticket)
    builder.record(e.TurnSet(now, by, after.turn, None, after.reason))
    builder.record(clocks_set(builder.ticket, policy, now))
    return builder.decision(), answer.at, answer.text


def apply_turns(store: Store, runtime: Runtime, numbers: tuple[str, ...], by: Actor, now: datetime) -> int:
    """Make these tickets ours, as far as that is still right. Return how many there are."""

    def decide(transaction: Transaction) -> int:
        policy, connection = transaction.snapshot.policy, transaction.connection
        changes = [
            transaction.change(ticket, decided[0])
            for ticket in transaction.load(numbers).values()
            if (decided := _decide(connection, ticket, policy, by, now))
        ]
        transaction.record(*changes)
        return len(changes)

    return transact(store, runtime, now, decide)
