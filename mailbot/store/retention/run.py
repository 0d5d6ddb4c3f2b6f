"""One run through all that is past its time, as steps that a worker or a command carries out.

Theory of operation. `run` is a generator: it yields reads and writes, and gets their `Done`. So the daemon awaits
them on the store's threads with a rest after each, and a command runs them in its own thread. Without `deletes` it
only counts. Slices of deletions grow and shrink, so that no transaction holds the write lock for long.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from mailbot.store.retention import closed_tickets, mails, space, unused
from mailbot.store.retention.rules import Cutoffs, Found, Key, Kind, Line, Page, Rules, Slice
from mailbot.store.schema import EPOCH

LONGEST = 0.05  # seconds of one deletion with its commit and its wait for the writer, about
LEAST_ROWS, MOST_ROWS, MOST_BYTES = 25, 400, 4_000_000  # of one deletion

Find = Callable[[Connection, Rules, Key | None], Page]
Delete = Callable[[Connection, Sequence[Slice]], list[list[Key]]]


@dataclass(frozen=True, slots=True)
class Read:
    query: Callable[..., Any]
    args: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Write:
    op: Callable[[Connection, Sequence[Any]], list[Any]]
    item: Any


@dataclass(frozen=True, slots=True)
class Done:
    """What a step returned, and the seconds that it took."""

    result: Any
    seconds: float


Run = Generator[Read | Write, Done, list[Line]]
Steps = Generator[Read | Write, Done, None]


@dataclass(frozen=True, slots=True)
class _Task:
    """`kind` None: contents that nothing needs any more. They were counted with what needed them."""

    kind: Kind | None
    find: Find
    delete: Delete
    cutoffs: Callable[[Rules], tuple[Cutoffs, ...]]


def _any(rules: Rules) -> tuple[Cutoffs, ...]:
    return rules.raw_mail, rules.attachments, rules.closed_tickets, rules.attempts


_TASKS = (
    _Task(
        Kind.CLOSED_TICKETS,
        closed_tickets.find_tickets,
        closed_tickets.delete_tickets,
        lambda rules: (rules.closed_tickets,),
    ),
    _Task(Kind.RAW_MAIL, mails.find_raw_mails, mails.delete_raw_mails, _any),
    _Task(Kind.SENT_MAIL, mails.find_sent_mails, mails.delete_sent_mails, _any),
    _Task(
        Kind.ATTACHMENTS,
        mails.find_attachments,
        mails.delete_attachments,
        lambda rules: (rules.attachments, rules.closed_tickets),
    ),
    _Task(
        Kind.ATTEMPTS,
        mails.find_attempts,
        mails.delete_attempts,
        lambda rules: (rules.attempts, rules.closed_tickets),
    ),
    _Task(None, unused.find_contents, unused.delete_contents, _any),
    _Task(None, unused.find_frozen_files, unused.delete_frozen_files, _any),
)


def run(rules: Rules, *, deletes: bool) -> Run:
    """Go through everything once. Return what went, or without `deletes` what would go, by mailbox and kind."""
    counts = _Counts()
    for task in _TASKS:
        if any(each.newest > EPOCH for each in task.cutoffs(rules)) and (deletes or task.kind):
            yield from _carry_out(task, rules, counts, deletes=deletes)
    if deletes:
        yield from _give_space_back()
    return counts.lines()


def _carry_out(task: _Task, rules: Rules, counts: "_Counts", *, deletes: bool) -> Steps:
    after: Key | None = None
    pace = _Pace(MOST_ROWS)
    while True:
        page: Page = (yield Read(task.find, (rules, after))).result
        if not deletes:
            counts.add(task.kind, page.found)
        for chosen in pace.slices(page.found) if deletes else ():
            if task.kind is Kind.CLOSED_TICKETS:
                yield from _shed_bytes(rules, chosen)
            done = yield Write(task.delete, Slice(rules, tuple(each.key for each in chosen)))
            pace.adjust(done.seconds)
            counts.add(task.kind, [each for each in chosen if each.key in set(done.result)])
        if page.last is None:
            return
        after = page.last


def _shed_bytes(rules: Rules, found: Sequence[Found]) -> Steps:
    """Take large mails off tickets before these go: no transaction deletes gigabytes."""
    for each in found:
        while each.size > closed_tickets.MOST_BYTES:
            if not (yield Write(closed_tickets.shed_bytes, Slice(rules, (each.key,)))).result:
                break


def _give_space_back() -> Steps:
    """Cut free pages off the end of a SQLite file, as long as that gets on."""
    pace = _Pace(10 * space.STEP)
    pages: space.Pages | None = (yield Read(space.pages)).result
    surplus = pages.surplus if pages else 0
    while surplus > 0:
        count = min(pace.rows, surplus)
        pace.adjust((yield Write(space.cut_off, count)).seconds)
        surplus -= count


class _Counts:
    """What was found, added up by mailbox and kind."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, Kind], Line] = {}

    def add(self, kind: Kind | None, found: Iterable[Found]) -> None:
        if kind is None:
            return
        for each in found:
            place = (each.mailbox, kind)
            line = self._lines.get(place, Line(*place, 0, 0, each.at))
            oldest = min(line.oldest, each.at)
            self._lines[place] = Line(*place, line.count + 1, line.bytes + each.size, oldest)

    def lines(self) -> list[Line]:
        return [line for _, line in sorted(self._lines.items())]


class _Pace:
    """How many rows a slice has: more while deletions are quick, half as many when one took too long."""

    def __init__(self, most: int) -> None:
        self.rows, self._most = LEAST_ROWS, most

    def adjust(self, seconds: float) -> None:
        if seconds > LONGEST:
            self.rows = max(LEAST_ROWS, self.rows // 2)  # fewer would cost their commit alone
        elif seconds < LONGEST / 2:
            self.rows = min(self._most, self.rows * 2)

    def slices(self, found: Sequence[Found]) -> Iterator[Sequence[Found]]:
        start = 0
        while start < len(found):
            chosen = [found[start]]
            for each in found[start + 1 : start + self.rows]:
                if sum(one.size for one in chosen) + each.size > MOST_BYTES:
                    break
                chosen.append(each)
            yield chosen
            start += len(chosen)
