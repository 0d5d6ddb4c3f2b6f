"""Asks people again about requests for compensation that wait too long, a level higher each time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from mailbot import log
from mailbot.domain.compensation.authority import windows
from mailbot.domain.compensation.requests import Request, is_due, on_pending
from mailbot.domain.events import ApprovalRequested
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy
from mailbot.store import compensations, queries, tickets
from mailbot.workers import outbox_rows
from mailbot.workers.loop import process_isolating_failures
from mailbot.workers.runtime import Deps, Snapshot, load_missing_ladders
from mailbot.workers.ticket_context import Draft

EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Overdue:
    """A request with the ticket that its matter is on now, and when people were last asked."""

    request: Request
    ticket: Ticket
    last: ApprovalRequested


class PendingRequests:
    """The worker. Several nodes may run it: the second, under the ledger's lock, finds nothing to do."""

    name: Final = "pending requests"
    stop_stage: Final = "process"

    def __init__(self, deps: Deps) -> None:
        self._deps, self._store = deps, deps.store

    async def run_once(self) -> timedelta:
        policy = self._deps.runtime.policy
        if policy.authority.per_ticket:
            overdue = await self._store.read(self._overdue, policy)
            ids = [each.request.id for each in overdue]
            await process_isolating_failures(ids, self._ask_again, self._log_failure)
        return EVERY

    async def _ask_again(self, requests: Sequence[int]) -> None:
        if requests:
            count: int = await self._store.write(self._record, requests, alone=True)
            if count:
                self._deps.wake_delivery()

    async def _log_failure(self, request: int, error: Exception) -> None:
        log.pending_request_failed(request=request, error=error)

    def _overdue(
        self, connection: Connection, policy: Policy, among: Sequence[int] | None = None
    ) -> list[_Overdue]:
        """Return the requests that are overdue, the oldest first.

        Work time is never more than time, so that only few need a closer look.
        """
        now, overdue = self._deps.now(), []
        for request in compensations.open_requests(connection):
            if now - request.at < policy.authority.decide_within or (among and request.id not in among):
                continue
            chain = chain_of(connection, request.ticket)
            last = last_asked(connection, request, chain)
            if last and is_due(chain[-1], last.at, policy, now):
                overdue.append(_Overdue(request, chain[-1], last))
        return overdue

    def _record(self, connection: Connection, items: Sequence[Sequence[int]]) -> list[int]:
        compensations.lock(connection)
        snapshot, count = self._deps.runtime.snapshot, 0
        for ids in items:
            # Read again: another node may have done it while we waited for the lock.
            for overdue in self._overdue(connection, snapshot.policy, ids):
                self._record_one(connection, overdue, snapshot)
                count += 1
        return [count] * len(items)

    def _record_one(self, connection: Connection, overdue: _Overdue, snapshot: Snapshot) -> None:
        number, request = overdue.ticket.number, overdue.request
        ticket = tickets.load(connection, [number])[number]
        snapshot = load_missing_ladders(connection, snapshot, [ticket])
        policy, now = snapshot.policy, self._deps.now()
        facts = compensations.facts(connection, ticket, windows(policy, now))
        if ticket.merged_into is None and request.id in {each.id for each in facts.requests}:
            decision = on_pending(ticket, request, overdue.last, facts, policy, now)
            drafts = [Draft(ticket, decision)]
            tickets.record(connection, outbox_rows.build_all(connection, drafts, snapshot, now))


def chain_of(connection: Connection, number: str) -> list[Ticket]:
    """Return the ticket, the one it was merged into, and so on."""
    chain: list[Ticket] = []
    following: str | None = number
    while following and (ticket := queries.ticket(connection, following)):
        chain.append(ticket)
        following = ticket.merged_into
    return chain


def last_asked(connection: Connection, request: Request, chain: Sequence[Ticket]) -> ApprovalRequested | None:
    """Return who was asked last to decide on the request. `chain`: the tickets that its matter was on."""
    asked = [
        each.event
        for ticket in chain
        for each in tickets.events_of(connection, ticket.number)
        if isinstance(each.event, ApprovalRequested) and each.event.request == request.id
    ]
    return max(asked, key=lambda event: event.at, default=None)
