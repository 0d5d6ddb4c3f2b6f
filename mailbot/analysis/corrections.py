"""Tickets as rules routed them and as people settled them: what the rules got right and wrong."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from mailbot.analysis import opening_mails
from mailbot.analysis.replay import CHUNK, stored_cases
from mailbot.domain.acts.agent_act import without_undone
from mailbot.domain.events import Event, TicketRouted
from mailbot.domain.model import Status
from mailbot.domain.policy import Policy
from mailbot.domain.policy_review.policy_diff import Case
from mailbot.domain.policy_review.settled import KINDS, NAMES, Settled, chosen_of, settled_on
from mailbot.store.codec import event_of
from mailbot.store.schema import events, tickets
from mailbot.store.store import Store


@dataclass(frozen=True, slots=True)
class SettledTicket:
    """A ticket that rules opened from a mail. `case` has the mail and, in `routed`, what the rules chose.

    `settled` equals that where nobody corrected it. `is_closed`: it ended, so nobody is likely to correct it now.
    """

    case: Case
    settled: Settled
    is_closed: bool

    @property
    def number(self) -> str:
        return self.case.name

    @property
    def chosen(self) -> Settled:
        return chosen_of(self.routed)

    @property
    def routed(self) -> TicketRouted:
        assert self.case.routed, "a stored mail has a record"
        return self.case.routed

    @property
    def corrected(self) -> dict[str, str]:
        """Return what people corrected: the name of the ticket's field -> the value that they wanted."""
        chosen = self.chosen
        return {
            name: getattr(self.settled, name)
            for name in NAMES
            if getattr(self.settled, name) != getattr(chosen, name)
        }


def settled_tickets(
    store: Store, since: datetime, policies: Iterable[Policy] = ()
) -> Iterator[SettledTicket]:
    """Read the tickets that rules opened from a mail since then, oldest first, a chunk at a time.

    Left out are tickets that were split off, and those whose mail is deleted. `policies`: those that will route the
    mails again.
    """
    numbers, asked = store.read_now(opening_mails.numbers_since, since), tuple(policies)
    for start in range(0, len(numbers), CHUNK):
        chunk = numbers[start : start + CHUNK]
        ends = store.read_now(_ends, chunk)
        for case in stored_cases(store, chunk, asked):
            if case.name in ends:
                yield SettledTicket(case, *ends[case.name])


def _ends(connection: Connection, numbers: list[str]) -> dict[str, tuple[Settled, bool]]:
    """Number -> what people settled on, and whether it is closed."""
    query = (
        select(events, tickets.c.status)
        .join(tickets, tickets.c.number == events.c.ticket)
        .where(events.c.ticket.in_(numbers), events.c.kind.in_(KINDS))
        .order_by(events.c.ticket, events.c.seq)
    )
    recorded: dict[str, list[Event]] = {}
    places: dict[str, list[int]] = {}
    status: dict[str, str] = {}
    for row in connection.execute(query):
        recorded.setdefault(row.ticket, []).append(event_of(row.kind, row.at, row.by, row.data))
        places.setdefault(row.ticket, []).append(row.seq)
        status[row.ticket] = row.status
    found = {number: settled_on(without_undone(each, places[number])) for number, each in recorded.items()}
    return {
        number: (settled, status[number] == Status.CLOSED.value)
        for number, settled in found.items()
        if settled
    }
