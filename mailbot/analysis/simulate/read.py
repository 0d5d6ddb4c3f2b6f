"""Read the records of tickets in chunks, in the order in which the tickets were opened."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta

from msgspec import json
from sqlalchemy import BigInteger, Connection, Text, cast, func, select, type_coerce

from mailbot.analysis.simulate.recorded_ticket import POLICY_EVENTS, UNMODELLED, Record
from mailbot.domain import events as e
from mailbot.domain.acts.agent_act import undone_places
from mailbot.domain.model import Status
from mailbot.reports.read import READ, lived
from mailbot.store.codec import event_of
from mailbot.store.schema import EPOCH, events, tickets

# What `recorded_ticket` reads.
_EVENTS = (
    *POLICY_EVENTS,
    *(e.TicketOpened, e.TicketRouted, e.TicketAssigned, e.CustomerWrote, e.AgentAnswered, e.DecisionMade),
    *(
        e.LadderChanged,
        e.TicketClosed,
        e.TicketFiled,
        e.TicketReleased,
        e.TicketRebuilt,
        e.ProgressSuppressed,
    ),
    *(
        e.AcknowledgementEnqueued,
        e.AcknowledgementSuppressed,
        e.MessageMoved,
        e.TicketMerged,
        e.MergeReceived,
    ),
    *(e.TicketUnmerged, e.MergeReverted, e.TicketSplit, e.ActUndone),
    *(e.TurnSet, e.NewsPromised, e.TicketReopened, e.TicketCorrected),
    *UNMODELLED,
)
KINDS = tuple(event.kind for event in _EVENTS)
# The readers of the report are fast and leave out reasons, which a simulation needs.
_WITH_REASON = frozenset(
    event.kind for event in _EVENTS if any(part.name == "reason" for part in fields(event))
)


def numbers(connection: Connection, since: datetime, until: datetime) -> list[str]:
    """List the tickets that were open at some time in [since, until), oldest first."""
    query = select(tickets.c.number).where(tickets.c.number.in_(lived(since, until)))
    query = query.where(tickets.c.opened_at < until, tickets.c.status != Status.FILED.value).order_by(
        tickets.c.opened_at, tickets.c.number
    )
    return list(connection.scalars(query))


def newest(connection: Connection) -> datetime | None:
    """Return the time of the newest event."""
    found: datetime | None = connection.scalar(select(func.max(events.c.at)))
    return found


def records(connection: Connection, wanted: Sequence[str], until: datetime) -> dict[str, Record]:
    """Return (version of the policy, event) of each ticket before `until`, in their order."""
    query = (
        select(
            events.c.ticket,
            events.c.seq,
            events.c.policy,
            events.c.kind,
            type_coerce(events.c.at, BigInteger),
            events.c.by,
            cast(events.c.data, Text),
        )
        .where(events.c.ticket.in_(wanted), events.c.kind.in_(KINDS), events.c.at < until)
        .order_by(events.c.ticket, events.c.seq)
    )
    found: dict[str, list[tuple[int, str, e.Event]]] = {}
    moment, at = -1, EPOCH
    for number, place, version, kind, micros, by, data in connection.execute(query):
        if micros != moment:  # one decision records several events
            moment, at = micros, EPOCH + timedelta(microseconds=micros)
        found.setdefault(number, []).append((place, version, _event(kind, at, by, data)))
    return {number: _without_undone(recorded) for number, recorded in found.items()}


def _without_undone(recorded: Sequence[tuple[int, str, e.Event]]) -> list[tuple[str, e.Event]]:
    """Leave out what an agent took back, and the undo itself."""
    undone = undone_places(event for _, _, event in recorded)
    return [
        (version, event)
        for place, version, event in recorded
        if place not in undone and not isinstance(event, e.ActUndone)
    ]


def _event(kind: str, at: datetime, by: str, data: str) -> e.Event:
    if kind in _WITH_REASON or kind not in READ:
        return event_of(kind, at, by, json.decode(data))
    return READ[kind](at, by, data)
