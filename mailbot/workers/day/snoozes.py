"""Brings snoozed tickets back when their time has come."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from mailbot import log
from mailbot.domain.day import snooze
from mailbot.store import tickets
from mailbot.store.lists import worklists
from mailbot.workers import outbox_rows
from mailbot.workers.loop import process_isolating_failures
from mailbot.workers.runtime import Deps, load_missing_ladders
from mailbot.workers.ticket_context import Draft

BATCH = 200
LOOK_AGAIN = timedelta(seconds=15)


class Snoozes:
    """The worker. Several nodes may run it: a ticket that another brings back is locked, or awake already."""

    name: Final = "snoozes"
    stop_stage: Final = "process"

    def __init__(self, deps: Deps) -> None:
        self._deps, self._store = deps, deps.store

    async def run_once(self) -> timedelta:
        due = await self._store.read(worklists.snoozed_by, self._deps.now(), BATCH)
        if due:
            await process_isolating_failures(due, self._bring_back, self._log_failure)
        return LOOK_AGAIN if len(due) < BATCH else timedelta()

    async def _bring_back(self, numbers: Sequence[str]) -> None:
        if await self._store.write(self._record, tuple(numbers), alone=True):
            self._deps.wake_delivery()

    async def _log_failure(self, number: str, error: Exception) -> None:
        log.snooze_failed(number=number, error=error)

    def _record(self, connection: Connection, items: Sequence[Sequence[str]]) -> list[int]:
        return [self._record_batch(connection, numbers) for numbers in items]

    def _record_batch(self, connection: Connection, numbers: Sequence[str]) -> int:
        now = self._deps.now()
        loaded = tickets.load_free(connection, numbers)
        snapshot = load_missing_ladders(connection, self._deps.runtime.snapshot, loaded.values())
        due = [ticket for ticket in loaded.values() if snooze.is_due(ticket, now)]
        drafts = [Draft(ticket, snooze.come_back(ticket, snapshot.policy, now)) for ticket in due]
        tickets.record(connection, outbox_rows.build_all(connection, drafts, snapshot, now))
        return len(drafts)
