"""What the store knows of a customer that rules may ask: now, and for a replay at an earlier time.

The present comes from one statement for a whole batch, over the tickets' rows. The past comes from the
events, which record the state of every ticket at any time.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    Connection,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    select,
    union_all,
)

from mailbot.domain import events as e
from mailbot.domain.model import NO_HISTORY, OVER, CustomerHistory, Status
from mailbot.domain.people.addresses import owner
from mailbot.store.channels.identities import linked_to, same_people
from mailbot.store.database.prepared import PreparedList
from mailbot.store.schema import events, tickets

ESCALATION_LASTS = timedelta(days=90)
NO_TICKETS = CustomerHistory(looked_up=True)

_OVER = [status.value for status in OVER]
_TURNS = {
    e.TicketOpened.kind: Status.NEW,
    e.TicketClosed.kind: Status.CLOSED,
    e.TicketReopened.kind: Status.OPEN,
    e.TicketMerged.kind: Status.MERGED,
    e.TicketUnmerged.kind: Status.OPEN,
}
_TOLD = (*_TURNS, e.TicketRebuilt.kind, e.TicketEscalated.kind)


def load(connection: Connection, customers: Collection[str], at: datetime) -> dict[str, CustomerHistory]:
    """Load what is known of each customer from all their tickets, without `authentication`.

    The spellings of one box are one person, and so are linked identities.
    """
    if not customers:
        return {}
    people = {customer: owner(customer) for customer in customers}
    known: dict[str, CustomerHistory] = {}
    since = {"since": at - ESCALATION_LASTS}
    for person, opened, escalated in _LOAD.fetch(connection, sorted(set(people.values())), since):
        before = known.get(person, NO_TICKETS)
        known[person] = replace(
            before,
            known_customer=True,
            open_tickets=before.open_tickets + int(opened),
            escalated_before=before.escalated_before or bool(escalated),
        )
    return {customer: known.get(person, NO_TICKETS) for customer, person in people.items()}


def _by_person(people: Sequence[BindParameter[str]]) -> CompoundSelect[Any]:
    escalated = exists().where(
        events.c.ticket == tickets.c.number,
        events.c.kind == e.TicketEscalated.kind,
        events.c.at >= bindparam("since"),
    )
    counted = (
        func.sum(case((tickets.c.status.not_in([literal(each) for each in _OVER]), 1), else_=0)),
        # `escalated` on the row keeps the look into the events to the few that ever were.
        func.max(case((and_(tickets.c.escalated > 0, escalated), 1), else_=0)),
    )
    linked = linked_to(people).subquery()
    theirs = select(linked.c.person, *counted).join(linked, linked.c.other == tickets.c.person)
    return union_all(
        select(tickets.c.person, *counted).where(tickets.c.person.in_(people)).group_by(tickets.c.person),
        theirs.group_by(linked.c.person),
    )


_LOAD = PreparedList(_by_person)


def load_as_of(connection: Connection, customer: str, at: datetime, *, besides: str = "") -> CustomerHistory:
    """Load the history as it was just before `at`, without the ticket `besides`, from the events."""
    people = same_people(connection, [owner(customer)])[owner(customer)]
    query = (
        select(events.c.ticket, events.c.kind, events.c.at, events.c.data)
        .join(tickets, tickets.c.number == events.c.ticket)
        .where(tickets.c.person.in_(people), tickets.c.number != besides)
        .where(events.c.kind.in_(_TOLD), events.c.at < at)
        .order_by(events.c.ticket, events.c.seq)
    )
    stands: dict[str, Status] = {}
    escalated = False
    for row in connection.execute(query):
        if row.kind == e.TicketEscalated.kind:
            escalated = escalated or row.at >= at - ESCALATION_LASTS
        elif row.kind == e.TicketRebuilt.kind:
            stands[row.ticket] = Status(row.data["status"])
        else:
            stands[row.ticket] = _TURNS[row.kind]
    return CustomerHistory(
        known_customer=bool(stands),
        open_tickets=sum(status not in OVER for status in stands.values()),
        escalated_before=escalated,
        looked_up=True,
    )


def recalled(
    connection: Connection, customer: str, number: str, at: datetime, recorded: CustomerHistory | None
) -> CustomerHistory:
    """Load the history that the rules used for ticket `number`; where they used none, as of that time."""
    if recorded and recorded.looked_up:
        return recorded
    found, used = load_as_of(connection, customer, at, besides=number), recorded or NO_HISTORY
    of_the_mail = ("reopened", "authentication", "author", "machine_may_answer", "channel")
    return replace(found, **{name: getattr(used, name) for name in of_the_mail})
