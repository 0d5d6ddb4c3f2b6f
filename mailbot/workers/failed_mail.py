"""Tells tickets and their people of mail that was given up: by our relay, or by us after days of trying."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mailbot import log
from mailbot.domain.model import Ticket
from mailbot.domain.replies.undeliverable import Mute, on_failure
from mailbot.metrics import Metrics
from mailbot.store import failures, suppressions, tickets
from mailbot.store.failures import Failed
from mailbot.store.store import Store
from mailbot.workers.loop import process_isolating_failures
from mailbot.workers.outbox_rows import outcome
from mailbot.workers.runtime import Runtime, Wake, load_missing_ladders

BATCH = 100
REST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Told:
    """A failed mail whose ticket knows it now. `number` is where it was told, "" where there is no ticket."""

    failed: Failed
    number: str
    muted: bool


class FailedMail:
    """The worker. One transaction decides, records and marks as told: each once, on any number of nodes."""

    name = "undelivered"

    def __init__(
        self,
        store: Store,
        runtime: Runtime,
        wake_delivery: Wake,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self._store, self._runtime, self._now = store, runtime, now
        self._wake_delivery, self._metrics = wake_delivery, metrics

    async def run_once(self) -> timedelta | float:
        found = await self._store.read(failures.untold, BATCH)
        if not found:
            return REST
        await process_isolating_failures(found, self._tell, self._park)
        return 0

    async def _park(self, failed: Failed, error: Exception) -> None:
        await self._store.write(self._give_up, failed.sent.id)
        self._metrics.parked.inc()
        log.failed_mail_parked(outbox_id=failed.sent.id, number=failed.sent.ticket, error=error)

    async def _tell(self, found: Sequence[Failed]) -> None:
        ids = tuple(failed.sent.id for failed in found)
        for told in await self._store.write(self._take, ids, alone=True):
            log.failed_mail_recorded(outbox_id=told.failed.sent.id, number=told.number, muted=told.muted)
        self._wake_delivery()

    def _take(self, connection: Connection, items: Sequence[Sequence[int]]) -> list[list[Told]]:
        return [self._take_batch(connection, ids) for ids in items]

    def _take_batch(self, connection: Connection, ids: Sequence[int]) -> list[Told]:
        now = self._now()
        numbers = {failed.sent.ticket for failed in failures.untold(connection, BATCH, ids)}
        loaded = tickets.load_with_heirs(connection, numbers)
        snapshot = load_missing_ladders(connection, self._runtime.snapshot, loaded.values())
        outcomes, told, muted = [], [], dict[str, Mute]()
        known = set[tuple[str, str]]()  # (ticket, recipient) of which it was told in this batch
        # Read again: whoever else does this worker has told of them, while we waited for the tickets' locks.
        for failed in failures.untold(connection, BATCH, ids):
            sent = failed.sent
            number = tickets.heir(sent.ticket, loaded)
            if number not in loaded:
                told.append(Told(failed, "", muted=False))
                continue
            told_before = sent.told or (sent.ticket, sent.recipient) in known
            before: Ticket = loaded[number]
            decision, mute = on_failure(
                before, replace(sent, told=told_before), failed.code, failed.reply, snapshot.policy, now
            )
            known.add((sent.ticket, sent.recipient))
            loaded[number] = decision.ticket
            if mute:
                muted[mute.address] = mute
            outcomes.append(outcome(before, decision, snapshot, now))
            told.append(Told(failed, number, muted=mute is not None))
        tickets.record(connection, outcomes)
        suppressions.put(connection, list(muted.values()))
        failures.tell(connection, [each.failed.sent.id for each in told], now)
        return told

    def _give_up(self, connection: Connection, ids: Sequence[int]) -> list[None]:
        failures.tell(connection, ids, self._now())
        return [None] * len(ids)
