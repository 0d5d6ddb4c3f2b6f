"""Place and release legal holds: nothing of a held ticket is deleted."""

from dataclasses import dataclass
from datetime import datetime

from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.domain.events import LegalHoldPlaced, LegalHoldReleased
from mailbot.domain.lifecycle import Decision, evolve
from mailbot.domain.reasons import Refusal
from mailbot.operations.transaction import transact
from mailbot.store.retention import legal_holds
from mailbot.store.store import Store
from mailbot.workers.runtime import Runtime
from mailbot.workers.transaction import Transaction


@dataclass(frozen=True, slots=True)
class HoldCommand:
    """`places` False: the hold is released. `reason`: the words of who orders it."""

    number: str
    places: bool
    reason: str
    by: Actor
    now: datetime


def hold(store: Store, runtime: Runtime, request: HoldCommand) -> Decision | Refusal | None:
    """Return the decision, recorded, or the refusal. None when there is no such ticket."""
    return transact(store, runtime, request.now, lambda transaction: _decide(transaction, request))


def _decide(transaction: Transaction, request: HoldCommand) -> Decision | Refusal | None:
    connection, number, now, by = transaction.connection, request.number, request.now, request.by
    ticket = transaction.load([number]).get(number)
    if ticket is None:
        return None
    reason = reasons.written(request.reason)
    event: LegalHoldPlaced | LegalHoldReleased
    if request.places:
        legal_holds.place(connection, number, now, by, request.reason)
        event = LegalHoldPlaced(now, by, reason)
    elif legal_holds.release(connection, number):
        event = LegalHoldReleased(now, by, reason)
    else:
        return reasons.refuse("no_legal_hold", ticket=number)
    decision = Decision(evolve(ticket, event), (event,))
    transaction.record(transaction.change(ticket, decision))
    return decision
