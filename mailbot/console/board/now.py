"""A snapshot of how all live tickets stand.

Theory of operation. How a ticket stands follows from its row and the policy, so it is computed again only for tickets
that changed since the snapshot before. One snapshot serves all visitors for LASTS.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from mailbot.console.desk import Desk
from mailbot.domain.day.standing import Standing, standing
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy
from mailbot.store import incidents, queries
from mailbot.store.lists import worklists
from mailbot.store.lists.ticket_list import TicketFilter
from mailbot.workers.runtime import Snapshot, load_missing_ladders

LASTS = timedelta(seconds=2)
ALL = TicketFilter(folded=True)
AT_ONCE = 500  # tickets in one query
MOST = 1_000_000

Known = Mapping[str, tuple[int, Standing]]  # by number, with the count of its events


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident under way, with the count of its complaints."""

    ticket: Ticket
    since: datetime
    complaints: int
    is_resolved: bool


@dataclass(frozen=True, slots=True)
class Now:
    """The snapshot. A complaint of an incident is not counted beside the incident. `held`: see `queries.held_mail`."""

    at: datetime
    known: Known
    incidents: Sequence[Incident]
    held: tuple[int, int]

    @property
    def standings(self) -> Iterator[Standing]:
        return (each for _, each in self.known.values())


async def load(desk: Desk) -> Now:
    """Return the snapshot, not older than LASTS."""
    key, now, snapshot = key_of(desk), desk.now(), desk.deps.runtime.snapshot
    before: Now | None = desk.shared.last(key)
    make = partial(take, desk.deps.store.read_now, snapshot, now, before.known if before else {})
    return await desk.shared.get(key, LASTS, now, lambda: asyncio.to_thread(make))


def key_of(desk: Desk) -> tuple[str, str]:
    """Return the key of the snapshot among what is kept."""
    return ("now", desk.policy.version)


def take(read: Callable[..., "_Read"], snapshot: Snapshot, now: datetime, known: Known) -> Now:
    """Read what changed since `known`, and compute how it stands, on the caller's thread."""
    found = read(_read, snapshot, known)
    changed = {each.number: (each.events, standing(each, found.policy)) for each in found.changed}
    standings = {number: changed.get(number) or known[number] for number in found.numbers}
    return Now(now, standings, found.incidents, found.held)


@dataclass(frozen=True, slots=True)
class _Read:
    """What a snapshot is made of. `policy`: with all ladders that the changed tickets follow."""

    numbers: Sequence[str]
    changed: Sequence[Ticket]
    policy: Policy
    held: tuple[int, int]
    incidents: Sequence[Incident]


def _read(connection: Connection, snapshot: Snapshot, known: Known) -> _Read:
    versions = worklists.live_versions(connection, ALL, MOST)
    changed = [number for number, events in versions if known.get(number, (0, None))[0] != events]
    parts = (changed[start : start + AT_ONCE] for start in range(0, len(changed), AT_ONCE))
    loaded = [each for part in parts for each in worklists.tickets_of(connection, part).values()]
    return _Read(
        [number for number, _ in versions],
        loaded,
        load_missing_ladders(connection, snapshot, loaded).policy,
        queries.held_mail(connection),
        _incidents(connection),
    )


def _incidents(connection: Connection) -> list[Incident]:
    under_way = incidents.not_done(connection)
    loaded = worklists.tickets_of(connection, [each.number for each in under_way])
    return [
        Incident(
            loaded[each.number],
            each.opened_at,
            incidents.count(connection, each.number),
            each.resolved_at is not None,
        )
        for each in under_way
    ]
