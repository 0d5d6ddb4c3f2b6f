"""Recorded lives in the order in which the tickets came: what a simulation is fed with, in chunks."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, Text, cast, func, select, type_coerce

from mailbot.analysis.simulate.recorded_ticket import POLICY_EVENTS, Record
from mailbot.domain import events as e
from mailbot.reports.read import READ, lived
from mailbot.store.schema import EPOCH, events, tickets

# All that `core.simulation.lives` looks at.
KINDS = tuple(
    event.kind
    for event in (
        *POLICY_EVENTS,
        *(e.TicketOpened, e.TicketRouted, e.TicketAssigned, e.CustomerWrote, e.AgentAnswered, e.DecisionMade),
        *(e.LadderChanged, e.TicketClosed, e.TicketReleased, e.TicketRebuilt, e.ProgressSuppressed),
        *(
            e.AcknowledgementEnqueued,
            e.AcknowledgementSuppressed,
            e.MessageMoved,
            e.TicketMerged,
            e.MergeReceived,
        ),
        *(e.TicketUnmerged, e.MergeReverted, e.TicketSplit),
    )
)


def numbers(connection: Connection, since: datetime, until: datetime) -> list[str]:
    """The tickets that lived in [since, until), whose matter began first coming first."""
    query = select(tickets.c.number).where(tickets.c.number.in_(lived(since, until)))
    query = query.where(tickets.c.opened_at < until).order_by(tickets.c.opened_at, tickets.c.number)
    return list(connection.scalars(query))


def newest(connection: Connection) -> datetime | None:
    """When the last thing on record happened."""
    found: datetime | None = connection.scalar(select(func.max(events.c.at)))
    return found


def records(connection: Connection, wanted: Sequence[str], until: datetime) -> dict[str, Record]:
    """Number -> (version of the policy, event) of each, before `until`, in their order."""
    query = (
        select(
            events.c.ticket,
            events.c.policy,
            events.c.kind,
            type_coerce(events.c.at, BigInteger),
            events.c.by,
            cast(events.c.data, Text),
        )
        .where(events.c.ticket.in_(wanted), events.c.kind.in_(KINDS), events.c.at < until)
        .order_by(events.c.ticket, events.c.seq)
    )
    found: dict[str, list[tuple[str, e.Event]]] = {}
    moment, at = -1, EPOCH
    for number, version, kind, micros, by, data in connection.execute(query):
        if micros != moment:  # one decision tells several events
            moment, at = micros, EPOCH + timedelta(microseconds=micros)
        found.setdefault(number, []).append((version, READ[kind](at, by, data)))
    return {**found}
