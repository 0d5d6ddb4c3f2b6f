"""Commands about two tickets: merge, split, move a message, accept or reject a claim."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.domain.commands import Accept, Join, Merge, Split, Unmerge
from mailbot.domain.commands.results import Outcome, Result
from mailbot.domain.merging.operations import Changes
from mailbot.domain.model import Ticket
from mailbot.domain.reasons import Reason, Refusal
from mailbot.operations.ticket_commands import OUTCOME
from mailbot.operations.transaction import transact, transact_in_turn
from mailbot.store.console import forms
from mailbot.store.store import Store
from mailbot.workers.joins import decide_join
from mailbot.workers.runtime import Runtime
from mailbot.workers.transaction import Transaction


@dataclass(frozen=True, slots=True)
class MergeCommand:
    """One command. `number`: the ticket it is about, "" for MoveMessage, whose message knows its ticket.

    `once`: the key of a form; what was carried out by the same key is refused. `sees`: another ticket that this
    person may not see is as if it were not there.
    """

    number: str
    command: Join
    by: Actor
    now: datetime
    once: str = ""
    sees: Callable[[Ticket], bool] | None = None


Joined = Changes | Refusal | None


def join(store: Store, runtime: Runtime, request: MergeCommand) -> Joined:
    """Return the changes, recorded, or the refusal. None when there is no such ticket or message."""
    return transact(store, runtime, request.now, lambda transaction: _decide(transaction, request))


async def join_in_turn(store: Store, runtime: Runtime, request: MergeCommand) -> Joined:
    """Do the same inside the daemon, for the pages and the API."""
    return await transact_in_turn(
        store, runtime, request.now, lambda transaction: _decide(transaction, request)
    )


def _decide(transaction: Transaction, request: MergeCommand) -> Joined:
    joined = decide_join(transaction, request.number, request.command, request.by, sees=request.sees)
    if not request.once:
        return joined
    connection = transaction.connection
    if isinstance(joined, Refusal):  # perhaps since it was done before
        again = forms.find(connection, request.once, request.by)
        return reasons.refuse("already_done") if again else joined
    if joined:
        result = OUTCOME.dump_text(Outcome((Result(_what_was_done(request.command, joined)),)))
        number = joined[-1].decision.ticket.number
        forms.add(connection, request.once, request.by, request.now, number, result)
    return joined


def _what_was_done(command: Join, changes: Changes) -> Reason:
    first, second = (change.decision.ticket.number for change in changes)
    match command:
        case Merge() | Accept():
            return reasons.of("did_merge", ticket=first, into=second)
        case Unmerge():
            return reasons.of("did_unmerge", ticket=second)
        case Split():
            return reasons.of("did_split", ticket=second)
    return reasons.of("did_move", ticket=second)
