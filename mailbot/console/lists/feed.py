"""News of changes for open pages: one look at the store serves all of a node's streams.

Theory of operation. While somebody listens, a task looks for events every 0.4 s. An event is committed some time after
the moment that it names, by nodes whose clocks differ. So each look goes back over the last seconds again and leaves
out what it has seen. Who may see a ticket gets its number. Who may not gets none, only that lists may have changed, and
this only when the ticket has moved. What a look misses, a page finds within a minute, when it loads its parts again.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mailbot import log
from mailbot.domain import events as e
from mailbot.domain.people.access import Viewer
from mailbot.store.lists import changes
from mailbot.store.lists.changes import Change
from mailbot.workers.runtime import Deps

EVERY = 0.4  # seconds between looks
AFTER_TROUBLE = 2.0
BACK = timedelta(seconds=15)  # how far a look goes back: commits come later than their events, clocks differ
MOST = 3  # streams of one person; a browser opens one for each page that is in front
A_SECOND = 10  # messages of all streams together: each makes a page load a list, for 20 ms
MOVES = frozenset(
    each.kind for each in (e.TicketAssigned, e.TicketHandedOver, e.TicketMerged, e.ActUndone, e.TicketRebuilt)
)

Places = dict[str, tuple[str, str | None]]


@dataclass(eq=False, slots=True)
class Listener:
    """One open stream: what has changed since its last message."""

    viewer: Viewer
    numbers: set[str] = field(default_factory=set)
    is_over: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, ticket: str, kinds: set[str], team: str, assignee: str | None) -> None:
        """Note a change, as far as this person may know of it."""
        if self.viewer.sees(team, assignee):
            self.numbers.add(ticket)
        elif not kinds & MOVES or e.TicketOpened.kind in kinds:
            return
        self.woken.set()

    def end(self) -> None:
        """End the stream for good: the page asks no more until it comes to the front again."""
        self.is_over = True
        self.woken.set()

    def take(self) -> str:
        """Return the numbers that have changed, with spaces between, and forget them."""
        numbers = " ".join(sorted(self.numbers))
        self.numbers.clear()
        self.woken.clear()
        return numbers


class Feed:
    """The streams of a node, and the task that looks for their news."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._seen: set[tuple[str, int]] = set()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def listening(self, deps: Deps, leaving: asyncio.Event, viewer: Viewer) -> Iterator[Listener]:
        """Add a stream while the block runs. The oldest of a person with too many ends. `leaving`: all end."""
        mine = (each for each in self._listeners if each.viewer.address == viewer.address)
        own = [each for each in mine if not each.is_over]
        if len(own) >= MOST:
            own[0].end()
        listener = Listener(viewer)
        self._listeners.append(listener)
        if self._task is None:
            self._task = asyncio.create_task(self._look_on(deps, leaving), name="console feed")
        try:
            yield listener
        finally:
            self._listeners.remove(listener)

    @property
    def pause(self) -> float:
        """Return the seconds until the next message of a stream: the more streams, the longer.

        Streams hear of a change together. By chance they drift apart, so that lists are not all loaded at once.
        """
        return random.uniform(0.5, 1.5) * len(self._listeners) / A_SECOND

    async def _look_on(self, deps: Deps, leaving: asyncio.Event) -> None:
        is_first = True
        while self._listeners and not leaving.is_set():
            rest = EVERY
            try:
                await self._look(deps, is_first=is_first)
                is_first = False
            except Exception as error:  # as in a loop: the next look may go well
                log.page_failed(path="/events", error=error)
                rest = AFTER_TROUBLE
            try:
                await asyncio.wait_for(leaving.wait(), rest)
            except TimeoutError:
                continue
        for listener in self._listeners:  # the daemon stops
            listener.woken.set()
        self._task = None

    async def _look(self, deps: Deps, *, is_first: bool) -> None:
        fresh, places, seen = await deps.store.read(_read, deps.now(), self._seen, is_first)
        self._seen = seen
        kinds: dict[str, set[str]] = {}
        for change in fresh:
            kinds.setdefault(change.ticket, set()).add(change.kind)
        for ticket, (team, assignee) in places.items():
            for listener in self._listeners:
                listener.hear(ticket, kinds[ticket], team, assignee)


def _read(
    connection: Connection, now: datetime, seen: set[tuple[str, int]], is_first: bool
) -> tuple[list[Change], Places, set[tuple[str, int]]]:
    """Return the changes that were not seen before, where their tickets are, and what has been seen now."""
    found = changes.since(connection, now - BACK)
    fresh = [] if is_first else [each for each in found if (each.ticket, each.seq) not in seen]
    places = changes.places(connection, {each.ticket for each in fresh}) if fresh else {}
    return fresh, places, {(each.ticket, each.seq) for each in found}
