"""Requests for compensation that nobody decides: put before people again, a level higher each time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mailbot import log
from mailbot.domain.compensation.authority import windows
from mailbot.domain.compensation.requests import Request, is_due, on_undecided
from mailbot.domain.events import ApprovalRequested
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy
from mailbot.store import compensations, queries, tickets
from mailbot.store.store import Store
from mailbot.workers.loop import process_isolating_failures
from mailbot.workers.outbox_rows import outcome
from mailbot.workers.runtime import Runtime, Snapshot, Wake, load_missing_ladders

EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Late:
    """A request with the ticket that its matter is on now, and when it was last put before people."""

    request: Request
    ticket: Ticket
    last: ApprovalRequested


class PendingRequests:
    """The worker. Several nodes may do it: whoever is second, under the ledger's lock, finds it done."""

    name = "undecided"

    def __init__(
        self, store: Store, runtime: Runtime, wake_delivery: Wake, now: Callable[[], datetime]
    ) -> None:
        self._store, self._runtime, self._wake, self._now = store, runtime, wake_delivery, now

    async def run_once(self) -> timedelta:
        policy = self._runtime.policy
        if policy.authority.per_ticket:
            late = await self._store.read(self._late, policy)
            await process_isolating_failures(
                [each.request.id for each in late], self._put_again, self._tell_failure
            )
        return EVERY

    async def _put_again(self, requests: Sequence[int]) -> None:
        if requests:
            count: int = await self._store.write(self._put, requests, alone=True)
            if count:
                self._wake()

    async def _tell_failure(self, request: int, error: Exception) -> None:
        log.pending_request_failed(request=request, error=error)

    def _late(
        self, connection: Connection, policy: Policy, wanted: Sequence[int] | None = None
    ) -> list[_Late]:
        """Those that are due, the oldest first. Work time is never more than time: few need a closer look."""
        now, found = self._now(), []
        for request in compensations.open_requests(connection):
            if now - request.at < policy.authority.decide_within or request.id not in (
                wanted or (request.id,)
            ):
                continue
            chain = _chain(connection, request.ticket)
            last = _last_put(connection, request, chain)
            if last and is_due(chain[-1], last.at, policy, now):
                found.append(_Late(request, chain[-1], last))
        return found

    def _put(self, connection: Connection, items: Sequence[Sequence[int]]) -> list[int]:
        compensations.lock(connection)
        # Read again: another node may have done it while we waited.
        snapshot = self._runtime.snapshot
        late = [each for wanted in items for each in self._late(connection, snapshot.policy, wanted)]
        for each in late:
            self._put_one(connection, each, snapshot)
        return [len(late)] * len(items)

    def _put_one(self, connection: Connection, late: _Late, snapshot: Snapshot) -> None:
        ticket = tickets.load(connection, [late.ticket.number])[late.ticket.number]
        snapshot = load_missing_ladders(connection, snapshot, [ticket])
        policy, now = snapshot.policy, self._now()
        facts = compensations.facts(connection, ticket, windows(policy, now))
        if ticket.merged_into is None and late.request.id in {each.id for each in facts.requests}:
            decision = on_undecided(ticket, late.request, late.last, facts, policy, now)
            tickets.record(connection, [outcome(ticket, decision, snapshot, now)])


def _chain(connection: Connection, number: str) -> list[Ticket]:
    """The ticket, what it was merged into, and so on."""
    found: list[Ticket] = []
    following: str | None = number
    while following and (ticket := queries.ticket(connection, following)):
        found.append(ticket)
        following = ticket.merged_into
    return found


def _last_put(connection: Connection, request: Request, chain: Sequence[Ticket]) -> ApprovalRequested | None:
    told = [
        each.event
        for ticket in chain
        for each in tickets.events_of(connection, ticket.number)
        if isinstance(each.event, ApprovalRequested) and each.event.request == request.id
    ]
    return max(told, key=lambda each: each.at, default=None)
