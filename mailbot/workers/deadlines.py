"""Takes the steps that have come due. Nothing looks at tickets whose deadline has not come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from mailbot import log
from mailbot.domain import events as e
from mailbot.domain.decisions import on_deadline
from mailbot.domain.reasons import NO_REASON
from mailbot.store import deadlines, suppressions, tickets
from mailbot.workers import outbox_rows
from mailbot.workers.loop import process_isolating_failures
from mailbot.workers.runtime import Deps, load_missing_ladders
from mailbot.workers.ticket_context import Draft

BATCH = 500
TOGETHER = 50  # in one transaction: while it decides and composes, no mail can be kept
# Longest rest: a decision elsewhere may arm a deadline that comes before the one we rest for.
LOOK_AGAIN = timedelta(seconds=0.5)


@dataclass(frozen=True, slots=True)
class Fired:
    """A deadline that came due, and what it led to."""

    number: str
    due_at: datetime
    events: tuple[e.Event, ...]


class Deadlines:
    """The worker. A transaction claims, decides and records: each step is taken once, on any number of nodes."""

    name: Final = "deadlines"
    stop_stage: Final = "process"

    def __init__(self, deps: Deps) -> None:
        self._deps, self._store = deps, deps.store

    async def run_once(self) -> timedelta | float:
        due = await self._store.read(deadlines.due, self._deps.now(), BATCH)
        if not due:
            return await self._rest()
        for start in range(0, len(due), TOGETHER):
            await process_isolating_failures(due[start : start + TOGETHER], self._fire, self._park)
        return 0

    async def _rest(self) -> timedelta:
        next_due_at = await self._store.read(deadlines.next_due_at)
        if next_due_at is None:
            return LOOK_AGAIN
        return max(timedelta(), min(LOOK_AGAIN, next_due_at - self._deps.now()))

    async def _fire(self, due: Sequence[deadlines.Due]) -> None:
        for fired in await self._store.write(self._record, tuple(due), alone=True):
            self._log(fired)
        self._deps.wake_delivery()

    async def _park(self, due: deadlines.Due, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"
        await self._store.write(deadlines.park, deadlines.ParkedDeadline(due.ticket, reason))
        self._deps.metrics.parked.inc()
        log.deadline_parked(number=due.ticket, error=error)

    def _record(self, connection: Connection, items: Sequence[Sequence[deadlines.Due]]) -> list[list[Fired]]:
        return [self._record_batch(connection, batch) for batch in items]

    def _record_batch(self, connection: Connection, batch: Sequence[deadlines.Due]) -> list[Fired]:
        now = self._deps.now()
        loaded = tickets.load_free(connection, [due.ticket for due in batch])
        snapshot = load_missing_ladders(connection, self._deps.runtime.snapshot, loaded.values())
        loads = snapshot.agent_loads
        loads.refresh(connection, snapshot.policy)
        still_due = deadlines.still_due(connection, loaded, now)
        customers = {loaded[due.ticket].answers_to.lower() for due in still_due} - {""}
        suppressed = suppressions.load(connection, customers, now)
        drafts, fired = [], []
        for due in still_due:
            ticket = loaded[due.ticket]
            suppression = suppressed.get(ticket.answers_to.lower())
            reason = suppression.as_reason if suppression else NO_REASON
            decision = on_deadline(ticket, snapshot.policy, now, reason, loads.loads)
            loads.add(ticket, decision.ticket)
            drafts.append(Draft(ticket, decision))
            fired.append(Fired(due.ticket, due.due_at, decision.events))
        tickets.record(connection, outbox_rows.build_all(connection, drafts, snapshot, now))
        return fired

    def _log(self, fired: Fired) -> None:
        now = self._deps.now()
        for event in fired.events:
            match event:
                case e.StepTaken():
                    step = f"step {event.step + 1} of {event.ladder}"
                case e.TargetMissed():
                    step = "missed"
                case e.ReminderDue():
                    step = "reminder"
                case _:
                    continue
            lateness = now - event.due_at
            self._deps.metrics.fired.inc()
            self._deps.metrics.lateness_seconds.observe(lateness.total_seconds())
            log.deadline_fired(number=fired.number, step=f"{event.target}: {step}", lateness=lateness)
