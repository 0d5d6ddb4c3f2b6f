"""Tickets as rules routed them and as people settled them: what the rules got right and wrong."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from mailbot.analysis import opening_mails
from mailbot.analysis.replay import CHUNK, stored_cases
from mailbot.domain.acts.agent_act import without_undone
from mailbot.domain.events import TicketCorrected, TicketHandedOver, TicketRouted
from mailbot.domain.model import Status
from mailbot.domain.policy import Policy
from mailbot.domain.policy_review.policy_diff import Case
from mailbot.domain.policy_review.settled import KINDS, NAMES, Settled, chosen_of, settled_on
from mailbot.store.codec import event_of
from mailbot.store.schema import events, tickets
from mailbot.store.store import Store

_CORRECTING = (TicketCorrected.kind, TicketHandedOver.kind)


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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a ticket that rules routed, without its mail."""

    chosen: Settled
    settled: Settled
    is_closed: bool

    @property
    def is_corrected(self) -> bool:
        return self.settled != self.chosen


def settled_tickets(
    store: Store, since: datetime, policies: Iterable[Policy] = ()
) -> Iterator[SettledTicket]:
    """Read the tickets that rules opened from a mail since then, oldest first, a chunk at a time.

    Left out are tickets that were split off, and those whose mail is deleted. `policies`: those that will route
    the mails again.
    """
    yield from with_mails(store, read_outcomes(store, since), policies)


def with_mails(
    store: Store, outcomes: Mapping[str, Outcome], policies: Iterable[Policy] = ()
) -> Iterator[SettledTicket]:
    """Read the mails of these tickets, a chunk at a time."""
    for case in stored_cases(store, list(outcomes), tuple(policies)):
        outcome = outcomes[case.name]
        yield SettledTicket(case, outcome.settled, outcome.is_closed)


def read_outcomes(store: Store, since: datetime, *, corrected: bool = False) -> dict[str, Outcome]:
    """Read what became of the tickets opened since then, by number. `corrected`: of those that were alone."""
    numbers = store.read_now(_touched if corrected else opening_mails.numbers_since, since)
    found: dict[str, Outcome] = {}
    for start in range(0, len(numbers), CHUNK):
        found |= store.read_now(_outcomes, numbers[start : start + CHUNK])
    return {number: each for number, each in found.items() if each.is_corrected or not corrected}


def _touched(connection: Connection, since: datetime) -> list[str]:
    """List the tickets opened since then with an event that may correct the rules."""
    statuses = tickets.c.status.in_([status.value for status in Status])
    query = (
        select(tickets.c.number)
        .where(statuses, tickets.c.opened_at >= since)
        .where(
            select(events.c.seq)
            .where(events.c.ticket == tickets.c.number, events.c.kind.in_(_CORRECTING))
            .exists()
        )
    )
    return list(connection.scalars(query.order_by(tickets.c.opened_at, tickets.c.number)))


def _outcomes(connection: Connection, numbers: list[str]) -> dict[str, Outcome]:
    query = (
        select(events, tickets.c.status)
        .join(tickets, tickets.c.number == events.c.ticket)
        .where(events.c.ticket.in_(numbers), events.c.kind.in_(KINDS))
        .order_by(events.c.ticket, events.c.seq)
    )
    rows: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(query):
        rows.setdefault(row.ticket, []).append(row)
    found = {number: _outcome(rows[number]) for number in numbers if number in rows}
    return {number: outcome for number, outcome in found.items() if outcome}


def _outcome(rows: Sequence[Row[Any]]) -> Outcome | None:
    recorded = [event_of(row.kind, row.at, row.by, row.data) for row in rows]
    lasting = without_undone(recorded, [row.seq for row in rows])
    settled = settled_on(lasting)
    routed = next((event for event in lasting if isinstance(event, TicketRouted)), None)
    if settled is None or routed is None:
        return None
    return Outcome(chosen_of(routed), settled, rows[0].status == Status.CLOSED.value)
