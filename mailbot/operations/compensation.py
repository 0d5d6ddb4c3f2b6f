"""Commands about compensation: the ledger is locked before they are decided."""

from dataclasses import dataclass
from datetime import datetime

from mailbot.domain.commands import Compensation
from mailbot.domain.compensation.authority import windows
from mailbot.domain.compensation.requests import Outcome, Signatory, on_compensation
from mailbot.domain.reasons import Refusal
from mailbot.operations.transaction import Transaction, transact
from mailbot.store import compensations
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime


@dataclass(frozen=True, slots=True)
class CompensationCommand:
    number: str
    command: Compensation
    actor: Signatory
    now: datetime


def compensate(store: Store, runtime: Runtime, request: CompensationCommand) -> Outcome | Refusal | None:
    """Decide and record. Return the result, or the refusal. None when there is no such ticket."""
    return transact(store, runtime, request.now, lambda transaction: decide(transaction, request))


def decide(transaction: Transaction, request: CompensationCommand) -> Outcome | Refusal | None:
    """Do the same in a transaction that has locked no ticket yet: the ledger's lock comes first."""
    connection, now = transaction.connection, request.now
    compensations.lock(connection)
    ticket = transaction.load([request.number]).get(request.number)
    if ticket is None:
        return None
    policy = transaction.snapshot.policy
    facts = compensations.facts(connection, ticket, windows(policy, now))
    outcome = on_compensation(ticket, request.command, request.actor, facts, policy, now)
    if isinstance(outcome, Outcome):
        transaction.record(transaction.change(ticket, outcome.decision))
        compensations.append(connection, outcome.entries)
    return outcome
