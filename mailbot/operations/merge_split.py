"""Commands about two tickets: merge, split, move a message, accept or reject a claim."""

from dataclasses import dataclass
from datetime import datetime

from mailbot.domain.actor import Actor
from mailbot.domain.commands import Join
from mailbot.domain.merging.operations import Changes
from mailbot.domain.reasons import Refusal
from mailbot.operations.transaction import transact
from mailbot.store.store import Store
from mailbot.workers.joins import decide_join
from mailbot.workers.runtime import Runtime
from mailbot.workers.transaction import Transaction


@dataclass(frozen=True, slots=True)
class MergeCommand:
    """One command. `number`: the ticket it is about, "" for MoveMessage, whose message knows its ticket."""

    number: str
    command: Join
    by: Actor
    now: datetime


def join(store: Store, runtime: Runtime, request: MergeCommand) -> Changes | Refusal | None:
    """Return the changes, recorded, or the refusal. None when there is no such ticket or message."""

    def decide(transaction: Transaction) -> Changes | Refusal | None:
        return decide_join(transaction, request.number, request.command, request.by)

    return transact(store, runtime, request.now, decide)
