"""How the channels stand, for people: what waits, what is parked and why, who works for each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, TextClause, func, select, text

from mailbot.domain.model import InboxState
from mailbot.store.schema import WAITING, channel_events, channel_states, nodes, outbox
from mailbot.store.service.claims import DEAD_AFTER
from mailbot.store.service.nodes import database_time

UNSETTLED = (InboxState.NEW, InboxState.PARKED)


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """How a channel stands. `holder`: the node that works for it until `held_until`. `position`: of its provider.

    `waiting` and `parked` count events, `oldest_at` is of the first that waits. `outgoing`: messages of ours that wait.
    """

    channel: str
    holder: str | None = None
    held_until: datetime | None = None
    position: str = ""
    error: str | None = None
    waiting: int = 0
    parked: int = 0
    oldest_at: datetime | None = None
    outgoing: int = 0


@dataclass(frozen=True, slots=True)
class EventEntry:
    """What a provider sent. `reason`: why it waits, is parked or became no mail. `inbox_id`: what it became."""

    id: int
    channel: str
    external_id: str
    state: InboxState
    received_at: datetime
    attempts: int
    due_at: datetime
    inbox_id: int | None
    reason: str | None
    size: int


_ENTRY = (
    *(channel_events.c[name] for name in EventEntry.__dataclass_fields__ if name != "size"),
    func.length(channel_events.c.content).label("size"),
)


def channel_statuses(connection: Connection) -> list[ChannelStatus]:
    """Load all channels that ever worked or have events, by name."""
    known, troubles = _states(connection), _troubles(connection)
    counts = {state: count_events(connection, state) for state in UNSETTLED}
    oldest = _oldest(connection)
    names = {*known, *(name for found in counts.values() for name in found)}
    return [
        replace(
            known.get(name) or ChannelStatus(name),
            error=(known[name].error if name in known else None) or troubles.get(name),
            waiting=counts[InboxState.NEW].get(name, 0),
            parked=counts[InboxState.PARKED].get(name, 0),
            oldest_at=oldest.get(name),
            outgoing=_outgoing(connection, name),
        )
        for name in sorted(names)
    ]


def _states(connection: Connection) -> dict[str, ChannelStatus]:
    rows = connection.execute(select(channel_states))
    return {
        row.channel: ChannelStatus(row.channel, row.holder, row.held_until, row.position, row.error)
        for row in rows
    }


def _troubles(connection: Connection) -> dict[str, str]:
    """Return what living daemons say is wrong with a channel, by its name: "toko: HTTP 503"."""
    since = database_time(connection) - DEAD_AFTER
    lists = connection.scalars(select(nodes.c.troubles).where(nodes.c.seen_at >= since).order_by(nodes.c.id))
    pairs = (text.partition(": ") for troubles in lists for text in troubles)
    return {name: error for name, _, error in pairs}


def count_events(connection: Connection, state: InboxState) -> dict[str, int]:
    """Count the events of each channel in a state, NEW or PARKED: both have an index of their own."""
    counting = select(channel_events.c.channel, func.count()).where(_is(state))
    return {row[0]: row[1] for row in connection.execute(counting.group_by(channel_events.c.channel))}


def _is(state: InboxState) -> TextClause:
    """Return the condition as literal text: a planner can't match a parameter with the one of a partial index."""
    return text(f"channel_events.state = '{state}'")


def _oldest(connection: Connection) -> dict[str, datetime]:
    first = select(channel_events.c.channel, func.min(channel_events.c.received_at)).where(
        _is(InboxState.NEW)
    )
    return {row[0]: row[1] for row in connection.execute(first.group_by(channel_events.c.channel))}


def _outgoing(connection: Connection, channel: str) -> int:
    waiting = select(func.count()).select_from(outbox).where(WAITING, outbox.c.domain == f"{channel}:")
    return connection.scalar(waiting) or 0


def list_events(
    connection: Connection, *, channel: str = "", states: Sequence[InboxState] = UNSETTLED, limit: int = 100
) -> list[EventEntry]:
    """List events, the newest first; only those of a channel where it is given."""
    query = select(*_ENTRY).order_by(channel_events.c.id.desc()).limit(limit)
    if list(states) == [InboxState.PARKED]:
        query = query.where(_is(InboxState.PARKED))
    else:
        query = query.where(channel_events.c.state.in_(states))
    if channel:
        query = query.where(channel_events.c.channel == channel)
    return [EventEntry(**row._mapping) for row in connection.execute(query)]


def find_event(connection: Connection, event: int) -> EventEntry | None:
    """Find an event by its id."""
    row = connection.execute(select(*_ENTRY).where(channel_events.c.id == event)).one_or_none()
    return EventEntry(**row._mapping) if row else None


def content_of(connection: Connection, event: int) -> bytes | None:
    """Return what the provider sent, byte for byte; None where there is no such event."""
    found: bytes | None = connection.scalar(
        select(channel_events.c.content).where(channel_events.c.id == event)
    )
    return found
