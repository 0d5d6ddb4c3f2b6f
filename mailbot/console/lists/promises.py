"""When the promises of live tickets end: what lists are sorted by. No column has it, it follows from the clocks.

Theory of operation. Work time is costly to compute, and a list may hold thousands of tickets. So each end is kept
with the count of the ticket's events and the version of the policy that it was computed by; a page computes again
only what has changed since.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain import ladder
from mailbot.store.lists import worklists
from mailbot.workers.runtime import Snapshot, load_missing_ladders

MOST = 20_000  # tickets, a few MB


class Promises:
    """The ends that are known, by ticket. Threads that read may share it: each entry is set whole."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, str, datetime | None]] = {}

    def of(
        self, connection: Connection, snapshot: Snapshot, versions: Sequence[tuple[str, int]]
    ) -> dict[str, datetime | None]:
        """Return the end of the earliest promise of each ticket. `versions`: (number, count of events)."""
        policy = snapshot.policy.version
        found = {number: self._known.get(number) for number, _ in versions}
        wanted = [number for number, events in versions if (found[number] or ())[:2] != (events, policy)]
        if wanted:
            found.update(self._compute(connection, snapshot, wanted))
        return {number: entry[2] for number, entry in found.items() if entry}

    def _compute(
        self, connection: Connection, snapshot: Snapshot, numbers: Sequence[str]
    ) -> dict[str, tuple[int, str, datetime | None]]:
        tickets = worklists.tickets_of(connection, numbers)
        policy = load_missing_ladders(connection, snapshot, tickets.values()).policy
        fresh = {
            number: (ticket.events, snapshot.policy.version, ladder.promised_at(ticket, policy))
            for number, ticket in tickets.items()
        }
        if len(self._known) + len(fresh) > MOST:
            self._known.clear()
        self._known.update(fresh)
        return fresh
