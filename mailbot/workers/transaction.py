"""One decision under way in a transaction: load with locks, record what was decided."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import Ticket
from mailbot.store import tickets
from mailbot.store.tickets import Message
from mailbot.workers import outbox_rows
from mailbot.workers.runtime import Snapshot, load_missing_ladders
from mailbot.workers.ticket_context import Draft


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
