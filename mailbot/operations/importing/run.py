"""A run of an import: batch after batch, silent, and the same again after a crash.

Theory of operation. Tickets are read from the export as they are recorded, a few hundred at a time. Each batch is one
transaction. Between two of them a daemon that is alive gets its turn at the store. A dry run reads all and plans all.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from mailbot.domain.importing import old_numbers
from mailbot.domain.policy import Mailbox
from mailbot.operations import daemons
from mailbot.operations.importing import batch
from mailbot.operations.importing.batch import Counts, Planned, Ready
from mailbot.operations.importing.history import Import
from mailbot.operations.importing.model import ImportedMessage, ImportedStatus, ImportedTicket, ReadContext
from mailbot.operations.importing.reading import clean_ticket
from mailbot.store import customer_history, ladders, queries
from mailbot.store.importing import aliases
from mailbot.store.store import Store
from mailbot.store.tickets import Outdated
from mailbot.workers.runtime import Runtime

MOST_TICKETS = 500  # of one transaction: each writes pages all over the file
MOST_BESIDE = 100  # while a daemon is alive
MOST_BYTES = 8_000_000  # of their mails and files
TRIES = 5  # of one batch, while others change its tickets
REST = 1.0  # times as long as a transaction took, while a daemon is alive
LOOK_EVERY = 5.0  # seconds between looks for a daemon

Progress = Callable[[Counts], None]


@dataclass(slots=True)
class Survey:
    """What a dry run found beside its counts.

    - `customers`: address -> tickets that are new. `known`: how many of these customers had a ticket here before.
    - `clashes`: old numbers that several tickets have. Then the sender of a reply decides.
    """

    customers: Counter[str] = field(default_factory=Counter)
    known: int = 0
    clashes: list[str] = field(default_factory=list)


def carry_out(
    store: Store,
    runtime: Runtime,
    found: Iterable[ImportedTicket],
    run: Import,
    context: ReadContext,
    progress: Progress,
) -> Counts:
    """Record all tickets that are new, or have anything new. Return what was done.

    Raises Outdated where others go on changing the same tickets. What was recorded until then stays.
    """
    store.write_now(ladders.save, run.policy)
    counts, box = Counts(), run.policy.mailboxes[context.mailbox]
    turns = _Turns(store)
    for part in _batches(found, context, turns.most):
        began = time.monotonic()
        counts.add(_record(store, runtime, part, run, box))
        progress(counts)
        turns.rest(time.monotonic() - began)
    if counts.new or counts.grown:
        daemons.wake(store)
    return counts


def look(
    store: Store,
    found: Iterable[ImportedTicket],
    run: Import,
    context: ReadContext,
    progress: Progress,
) -> tuple[Counts, Survey]:
    """Return what a run would do. Nothing is written."""
    counts, survey, box = Counts(), Survey(), run.policy.mailboxes[context.mailbox]
    numbers: dict[str, str] = {}
    for part in _batches(found, context, lambda: MOST_TICKETS):
        planned, here = store.read_now(_look_up, part, run.source)
        counts.add(_expected(planned, run, box))
        survey.clashes += _clashes(planned, here, numbers)
        customers = [each.ticket.customer for each in planned if not each.number and each.ticket.customer]
        met = store.read_now(customer_history.load, set(customers) - survey.customers.keys(), run.now)
        survey.known += sum(each.known_customer for each in met.values())
        survey.customers.update(customers)
        progress(counts)
    return counts, survey


def _batches(
    found: Iterable[ImportedTicket], context: ReadContext, most: Callable[[], int]
) -> Iterator[list[ImportedTicket]]:
    """Yield tickets together, so that no batch is too large and none has one of them twice."""
    part: dict[str, ImportedTicket] = {}
    size = 0
    for each in map(clean_ticket, found):
        if not each.messages:
            context.problems.add(
                each.place or each.external_id, "the ticket has no message that can be imported"
            )
            continue
        if each.external_id in part or len(part) >= most() or size > MOST_BYTES:
            yield list(part.values())
            part, size = {}, 0
        part[each.external_id] = each
        size += sum(map(_size, each.messages))
    if part:
        yield list(part.values())


def _size(message: ImportedMessage) -> int:
    return len(message.raw) + len(message.text) + sum(len(each.content) for each in message.files)


def _record(
    store: Store, runtime: Runtime, part: Sequence[ImportedTicket], run: Import, box: Mailbox
) -> Counts:
    """Plan and record a batch, again where somebody was faster. Raises Outdated."""
    for attempt in range(TRIES):
        planned = store.read_now(batch.plan, part, run.source)
        counts = Counts(same=sum(each.same for each in planned))
        ready = batch.read(planned, run)
        if not ready:
            return counts
        try:
            counts.add(store.write_now(_operation(runtime, run, box), ready))
        except Outdated:
            if attempt + 1 == TRIES:
                raise
        else:
            return counts
    raise AssertionError("the last attempt returns or raises")


def _operation(
    runtime: Runtime, run: Import, box: Mailbox
) -> Callable[[Connection, Sequence[Sequence[Ready]]], list[Counts]]:
    def op(connection: Connection, items: Sequence[Sequence[Ready]]) -> list[Counts]:
        return [batch.record(connection, ready, run, runtime.snapshot, box) for ready in items]

    return op


class _Turns:
    """Lets a daemon have its turn at the store between two transactions, where one is alive."""

    def __init__(self, store: Store) -> None:
        self._store, self._alive, self._looked_at = store, False, float("-inf")

    def most(self) -> int:
        """Return how many tickets one transaction may have."""
        return MOST_BESIDE if self._is_alive() else MOST_TICKETS

    def rest(self, took: float) -> None:
        if self._is_alive():
            time.sleep(took * REST)

    def _is_alive(self) -> bool:
        if time.monotonic() - self._looked_at > LOOK_EVERY:
            nodes = self._store.read_now(queries.list_nodes)
            self._alive, self._looked_at = any(map(daemons.is_alive, nodes)), time.monotonic()
        return self._alive


# --- the dry run --------------------------------------------------------------------------------------------


def _look_up(
    connection: Connection, part: Sequence[ImportedTicket], source: str
) -> tuple[list[Planned], dict[str, set[str]]]:
    """Return the plan, and old number -> tickets that have it here."""
    here: dict[str, set[str]] = {}
    keys = {old_numbers.key(number) for each in part for number in each.numbers}
    for alias, number in aliases.find(connection, keys):
        here.setdefault(alias, set()).add(number)
    return batch.plan(connection, part, source), here


def _expected(planned: Sequence[Planned], run: Import, box: Mailbox) -> Counts:
    counts = Counts()
    for each in planned:
        counts.messages += len(each.messages)
        counts.here += each.here
        if each.same:
            counts.same += 1
        elif each.number or not each.messages:
            counts.grown += 1
        else:
            counts.new += 1
            closed = each.ticket.status is ImportedStatus.CLOSED
            own = run.policy.mailboxes.get(each.ticket.mailbox.lower(), box).address
            for place, key in ((counts.by_status, "closed" if closed else "open"), (counts.by_mailbox, own)):
                place[key] = place.get(key, 0) + 1
    return counts


def _clashes(planned: Sequence[Planned], here: dict[str, set[str]], numbers: dict[str, str]) -> Iterator[str]:
    """Yield the old numbers that another ticket has, here or earlier in the export."""
    for each in planned:
        for number in each.ticket.numbers:
            key = old_numbers.key(number)
            first = numbers.setdefault(key, each.ticket.external_id)
            if first != each.ticket.external_id or here.get(key, set()) - {each.number}:
                yield number
