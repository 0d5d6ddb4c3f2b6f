"""Finding tickets: by the index, the best first or the newest first, one page at a time.

Theory of operation. A message matches when it has each word of the query. The newest matches are collected window by
window until there are enough tickets to rank, a ticket counting once. A search of common words ends after the newest
thousand, so what it costs does not grow with the store, and its total is "at least". When everything was looked
through and there are few, tickets whose messages have the words only together come after these. Time is bounded,
too: a search that finds its page late says how far back it looked.
"""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select, union_all

from mailbot.domain.search.document import document
from mailbot.domain.search.query import Part, Query
from mailbot.domain.search.snippet import READ, snippet
from mailbot.store.lists import ticket_list
from mailbot.store.lists.ticket_list import ListedTicket
from mailbot.store.schema import EPOCH, MICROSECOND, messages, search_documents, tickets
from mailbot.store.search import conditions, index
from mailbot.store.search.conditions import Condition
from mailbot.store.search.matching import Hit, Judged, Wanted, judge, judge_words, newest, windows

if TYPE_CHECKING:  # the shell searches without it
    from mailbot.domain.people.access import Viewer

RANKED, RANKED_OF_FEW = (
    100,
    40,
)  # tickets among which the best come first; with filters, which find them slower
TITLES = 50  # tickets with all words in the subject that are among them, however old
MOST = 500  # tickets that are counted
DEEPEST = 10_000  # tickets that can be paged through
UNREAD = 60  # messages that are read now, because they are not in the index yet
SLICE = 200  # messages that one statement returns
TOGETHER = 50  # tickets whose messages are looked at for words that stand apart
_MESSAGES = 300  # of those tickets
_RARE = 300  # messages with a word: of more, only the newest are looked at for words that stand apart
_NARROW = 20_000  # messages between two moments: of so few the ids are bounded
ENOUGH = 0.015  # seconds after which nothing more is counted
LONGEST = 1.0  # seconds after which a search ends
HALF_LIFE = timedelta(days=90)  # after which a match counts half of its recency


class Sort(StrEnum):
    BEST = "best"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which tickets of the result to return. `page` counts from 1."""

    size: int = 20
    page: int = 1
    sort: Sort = Sort.BEST

    @property
    def start(self) -> int:
        return (self.page - 1) * self.size

    @property
    def end(self) -> int:
        return self.page * self.size


@dataclass(frozen=True, slots=True)
class Found:
    """A ticket with its message that matches best. `snippet` has the words marked: «kirim»."""

    listed: ListedTicket
    message: int | None
    at: datetime | None
    author: str
    snippet: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the result.

    `total`: tickets, `at_least` when there may be more. `not_indexed`: messages that the search can't find yet.
    `back_to`: older messages were not looked at, for want of time.
    """

    found: Sequence[Found]
    total: int
    at_least: bool
    not_indexed: int
    back_to: datetime | None = None


def search(
    connection: Connection,
    query: Query,
    page: PageRequest,
    now: datetime,
    clock: Callable[[], float] = time.monotonic,
    viewer: "Viewer | None" = None,
) -> Page:
    """Return one page of the tickets that match. Order and pages hold as long as no message comes in.

    `viewer`: only what this person may see is found, counted, and looked at.
    """
    of_tickets = conditions.of_tickets(query, connection.dialect.name, now)
    if viewer:
        of_tickets += ticket_list.visible_to(viewer)
    if query.is_about_tickets:
        return _of_tickets(connection, query, page, of_tickets)
    state = _Search(connection, query, of_tickets, now, clock)
    named = state.named_tickets()
    unread = state.read_unread()
    ranked = 1 if page.sort is Sort.NEWEST else RANKED_OF_FEW if of_tickets else RANKED
    state.collect(max(MOST, page.end + 1), enough=max(ranked, page.end + 1))
    if state.is_complete and len(query.groups) > 1 and len(state.best) < page.end:
        state.add_apart()
    order = state.newest() if page.sort is Sort.NEWEST else state.ranked(ranked)
    order = list(dict.fromkeys((*named, *order)))
    chosen = order[page.start : page.end]
    return Page(
        _load(connection, query, chosen, state.best),
        len(order),
        not state.is_complete,
        max(0, index.waiting(connection) - unread),
        state.back_to,
    )


def _of_tickets(connection: Connection, query: Query, page: PageRequest, wanted: Sequence[Condition]) -> Page:
    """Return a page of a search without words: the newest tickets, status by status as their index has them."""
    most = max(MOST, page.end + 1)
    newest = select(tickets.c.number, tickets.c.opened_at).where(*wanted)
    newest = newest.order_by(tickets.c.opened_at.desc(), tickets.c.number.desc()).limit(most)
    statuses = conditions.statuses(query)
    if not statuses:
        return Page([], 0, at_least=False, not_indexed=0)
    parts = [select(newest.where(tickets.c.status == status).subquery()) for status in statuses]
    found = union_all(*parts).subquery()
    order = select(found.c.number).order_by(found.c.opened_at.desc(), found.c.number.desc()).limit(most)
    numbers = list(connection.scalars(order))
    shown = _load(connection, query, numbers[page.start : page.end], {})
    return Page(shown, min(len(numbers), most - 1), len(numbers) == most, 0)


class _Search:
    """A search under way: the best hit of each ticket so far."""

    def __init__(
        self,
        connection: Connection,
        query: Query,
        of_tickets: Sequence[Condition],
        now: datetime,
        clock: Callable[[], float],
    ) -> None:
        self._connection, self._query, self._now, self._clock = connection, query, now, clock
        self._began_at = clock()
        of_messages = conditions.of_messages(query)
        self._wanted = Wanted(query, (*of_messages, *of_tickets), bool(of_tickets))
        self._of_tickets = of_tickets
        self._judged: dict[int, Judged] = {}  # messages that were judged already
        self._apart: set[str] = set()  # tickets that have the words in several messages
        self.best: dict[str, Hit] = {}  # by ticket, in the order found: its newest match
        self.is_complete = False
        self.back_to: datetime | None = None

    def named_tickets(self) -> list[str]:
        """Return the tickets whose number is the query, found or not by their words."""
        query = self._query
        if not query.numbers or len(query.groups) != len(query.numbers):
            return []
        named = select(tickets.c.number).where(tickets.c.number.in_(query.numbers))
        return list(self._connection.scalars(named.where(*self._of_tickets)))

    def read_unread(self) -> int:
        """Look at messages that are not in the index yet. Return how many there are."""
        unread = index.unread(self._connection, UNREAD)
        judged = {each.id: judge_words(document(each.source), self._query) for each in unread}
        fits = [each for each in unread if judged[each.id].fits and self._is_within(each)]
        of_tickets = {each.source.number for each in fits}
        if self._of_tickets and fits:
            named = select(tickets.c.number).where(tickets.c.number.in_(of_tickets), *self._of_tickets)
            of_tickets = set(self._connection.scalars(named))
        self._keep(
            Hit(each.id, each.source.number, (each.at - EPOCH) // MICROSECOND)
            for each in fits
            if each.source.number in of_tickets
        )
        self._judged |= judged
        return len(unread)

    def _is_within(self, message: index.Unread) -> bool:
        query = self._query
        return (
            (query.since is None or message.at >= query.since)
            and (query.until is None or message.at < query.until)
            and query.has_files in (None, bool(message.source.files))
        )

    # --- collecting -------------------------------------------------------------------------------------

    def collect(self, most: int, enough: int) -> None:
        """Collect the newest matches of `most` tickets; after some time `enough` are enough."""
        low, high, top = self._bounds()
        for window in chain(windows(high, low), windows(top, high + 1)):
            while True:
                found = newest(self._connection, self._wanted, window, SLICE)
                self._keep(found)
                if self._ends(most, enough):
                    return
                if len(found) < SLICE:
                    break
                window = replace(window, high=found[-1].id - 1)
            if self._is_late() and window.low > low:
                self.back_to = self._moment_of(window.low)
                return
        self.is_complete = True

    def _keep(self, found: Iterable[Hit]) -> None:
        for hit in found:
            self.best.setdefault(hit.ticket, hit)

    def _ends(self, most: int, enough: int) -> bool:
        return len(self.best) >= most or (len(self.best) >= enough and self._spent() > ENOUGH)

    def _spent(self) -> float:
        return self._clock() - self._began_at

    def _is_late(self) -> bool:
        return self._spent() > LONGEST

    def _moment_of(self, id_: int) -> datetime | None:
        query = select(search_documents.c.at).where(search_documents.c.id >= id_)
        return self._connection.scalar(query.order_by(search_documents.c.id).limit(1))

    def _bounds(self) -> tuple[int, int, int]:
        """Return where matches can be: the lowest id, the highest one to begin with, the highest of all.

        Ids follow the time of messages roughly. So an end that is long ago is where the search begins, and what lies
        above is looked at last.
        """
        ids, at = search_documents.c.id, search_documents.c.at
        top = self._connection.scalar(select(func.max(ids))) or 0
        since, until = self._query.since, self._query.until
        if not (since or until):
            return 1, top, top
        within = [*([at >= since] if since else []), *([at < until] if until else [])]
        newest_first = select(ids).where(*within).order_by(at.desc()).limit(_NARROW).subquery()
        count, lowest, highest = self._connection.execute(
            select(func.count(), func.min(newest_first.c.id), func.max(newest_first.c.id))
        ).one()
        if count < _NARROW:
            return lowest or 1, highest or 0, highest or 0
        return 1, highest, top

    def add_apart(self) -> None:
        """Add tickets that have the words of the query in several messages."""
        sets = [
            self._tickets_with(replace(self._query, groups=(group,), excluded=()))
            for group in self._query.groups
        ]
        rarest = min(sets, key=len)
        candidates = [number for number in rarest if number not in self.best][:TOGETHER]
        if not candidates or all(len(each) >= _RARE for each in sets):
            return
        of_ticket = select(messages.c.id, messages.c.ticket).where(messages.c.ticket.in_(candidates))
        owners = {row.id: row.ticket for row in self._connection.execute(of_ticket.limit(_MESSAGES))}
        judged = judge(self._connection, owners.keys() - self._judged.keys(), self._query) | self._judged
        has: dict[str, list[bool]] = {}
        judged = {id_: verdict for id_, verdict in judged.items() if id_ in owners}
        for id_, verdict in judged.items():
            before = has.setdefault(owners[id_], [False] * len(verdict.groups))
            has[owners[id_]] = [one or other for one, other in zip(before, verdict.groups, strict=True)]
        excluded = {owners[id_] for id_, verdict in judged.items() if verdict.excluded}
        for number in candidates:
            if all(has.get(number, [False])) and number not in excluded:
                self.best[number] = rarest[number]
                self._apart.add(number)

    def _tickets_with(self, query: Query) -> dict[str, Hit]:
        found: dict[str, Hit] = {}
        wanted = replace(self._wanted, query=query)
        low, high, _ = self._bounds()
        for window in windows(high, low):
            for hit in newest(self._connection, wanted, window, _RARE):
                found.setdefault(hit.ticket, hit)
            if len(found) >= _RARE or self._is_late():
                break
        return found

    # --- order ------------------------------------------------------------------------------------------

    def newest(self) -> list[str]:
        """Return the tickets by their newest match."""
        return [
            hit.ticket for hit in sorted(self.best.values(), key=lambda hit: (hit.at, hit.id), reverse=True)
        ]

    def ranked(self, count: int) -> list[str]:
        """Return the tickets, the best of the newest first, then the others by time."""
        self._add_titles()
        order = self.newest()
        if not self._query.groups:
            return order
        ranked = {*order[:count], *self._titles}
        hits = [self.best[number] for number in ranked]
        unknown = [hit.id for hit in hits if hit.id not in self._judged]
        judged = self._judged | judge(self._connection, unknown, self._query)
        score = {
            hit.ticket: self._recent(hit) * judged[hit.id].score * (0.2 if hit.ticket in self._apart else 1)
            for hit in hits
            if hit.id in judged
        }
        first = sorted(score, key=lambda number: (score[number], self.best[number].id), reverse=True)
        return [*first, *(number for number in order if number not in score)]

    def _recent(self, hit: Hit) -> float:
        age = max(self._now - EPOCH - hit.at * MICROSECOND, timedelta())
        return float(0.5 + 0.5 ** (1 + age / HALF_LIFE))

    def _add_titles(self) -> None:
        """Add the newest tickets with all words in the subject, where others would hide them."""
        self._titles: set[str] = set()
        if self.is_complete or not self._query.groups:
            return
        in_title = tuple(
            tuple(replace(each, part=Part.TITLE) for each in group if not each.part)
            for group in self._query.groups
        )
        if not all(in_title):
            return
        wanted = replace(self._wanted, query=replace(self._query, groups=in_title))
        low, high, _ = self._bounds()
        for window in windows(high, low):
            for hit in newest(self._connection, wanted, window, TITLES):
                self.best.setdefault(hit.ticket, hit)
                self._titles.add(hit.ticket)
            if len(self._titles) >= TITLES or self._spent() > 2 * ENOUGH:
                return


# --- what a page shows --------------------------------------------------------------------------------------


def _load(
    connection: Connection, query: Query, numbers: Collection[str], best: dict[str, Hit]
) -> list[Found]:
    listed = ticket_list.listed(connection, numbers)
    ids = [best[number].id for number in numbers if number in best]
    text = func.substr(messages.c.visible, 1, READ).label("text")
    columns = select(messages.c.id, messages.c.at, messages.c.author, text).where(messages.c.id.in_(ids))
    rows = {row.id: row for row in connection.execute(columns)}
    found = []
    for number in numbers:
        row = rows.get(best[number].id) if number in best else None
        shown = (row.id, row.at, row.author, snippet(row.text, query)) if row else (None, None, "", "")
        if number in listed:
            found.append(Found(listed[number], *shown))
    return found
