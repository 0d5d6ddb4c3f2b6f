"""Acknowledge a mail that an agent forwarded: nothing went out to its sender until now."""

from dataclasses import dataclass
from datetime import datetime

from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.domain.lifecycle import Decision
from mailbot.domain.reasons import Refusal
from mailbot.domain.replies.without_token import FORWARDED, SPOKEN, on_acknowledge
from mailbot.operations.transaction import transact
from mailbot.store import outbox, suppressions
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime
from mailbot.workers.transaction import Transaction


@dataclass(frozen=True, slots=True)
class AcknowledgeCommand:
    number: str
    by: Actor
    now: datetime


def acknowledge(store: Store, runtime: Runtime, request: AcknowledgeCommand) -> Decision | Refusal | None:
    """Return the decision, recorded, or the refusal. None when there is no such ticket.

    The row of the suppressed acknowledgement gives way to the one that leaves, in one transaction.
    """
    return transact(store, runtime, request.now, lambda transaction: decide(transaction, request))


def decide(transaction: Transaction, request: AcknowledgeCommand) -> Decision | Refusal | None:
    """Do the same in a transaction of the caller."""
    connection, number = transaction.connection, request.number
    ticket = transaction.load([number]).get(number)
    if ticket is None:
        return None
    held = outbox.suppressed_acknowledgement(connection, number)
    if held is None or held.reason.code not in (FORWARDED, SPOKEN):
        return reasons.refuse("no_held_acknowledgement", ticket=number)
    address = ticket.answers_to.lower()
    suppression = suppressions.load(connection, {address}, request.now).get(address)
    if suppression:
        return Refusal(suppression.as_reason)
    decision = on_acknowledge(ticket, request.by, transaction.snapshot.policy, request.now)
    if isinstance(decision, Decision):
        outbox.withdraw(connection, held.nonce)
        transaction.record(transaction.change(ticket, decision))
    return decision
