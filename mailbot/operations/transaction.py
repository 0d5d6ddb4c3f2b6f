"""How every command becomes one transaction: load with locks, decide by one snapshot, record.

Theory of operation. A command never sees half of a reload: the snapshot is taken once, when its transaction
begins. Who changed a ticket between the load and the record makes the store raise Outdated, and then the
command is decided again on what the ticket is by now.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import Ticket
from mailbot.store import tickets
from mailbot.store.store import Store
from mailbot.store.tickets import Message
from mailbot.workers import outbox_rows
from mailbot.workers.runtime import Runtime, Snapshot, load_missing_ladders
from mailbot.workers.ticket_context import Draft

R = TypeVar("R")


@dataclass(slots=True)
class Transaction:
    """One command under way. `now` is its one moment, `snapshot` all that it decides by."""

    connection: Connection
    snapshot: Snapshot
    now: datetime

    def load(self, numbers: Collection[str]) -> dict[str, Ticket]:
        """Lock these tickets, and return those that exist, ready to be decided about."""
        found = tickets.load(self.connection, numbers)
        self.snapshot = load_missing_ladders(self.connection, self.snapshot, found.values())
        self.snapshot.agent_loads.refresh(self.connection, self.snapshot.policy)
        return found

    def record(self, *changes: tickets.TicketChange) -> None:
        """Write what was decided. Raises Outdated when a ticket is not as it was loaded."""
        tickets.record(self.connection, changes)

    def change(
        self,
        before: Ticket | None,
        decision: Decision,
        message: Message | None = None,
        participants: Sequence[tuple[str, str]] = (),
        arrived: tuple[tuple[int, str], ...] = (),
    ) -> tickets.TicketChange:
        """Return what `record` writes for a decision; a new ticket has nothing before.

        `arrived`: messages that move to the ticket, with the ticket each is on.
        """
        draft = Draft(before, decision, message, participants=tuple(participants), arrived=arrived)
        (change,) = outbox_rows.build_all(self.connection, [draft], self.snapshot, self.now)
        return change


def transact(store: Store, runtime: Runtime, now: datetime, decide: Callable[[Transaction], R]) -> R:
    """Run `decide` in a transaction of its own, in the caller's thread, and return its result.

    Raises Outdated when others were first several times in a row.
    """

    def attempt(connection: Connection, decide: Callable[[Transaction], R]) -> R:
        return decide(Transaction(connection, runtime.snapshot, now))

    return tickets.decide_now(store, attempt, decide)
