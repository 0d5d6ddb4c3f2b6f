"""Notifies tickets and their people of mail that was given up: by our relay, or by us after days of
trying.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from mailbot import log
from mailbot.domain.replies.undeliverable import Suppression, on_failure
from mailbot.store import failures, suppressions, tickets
from mailbot.store.failures import UnreportedMail
from mailbot.workers import outbox_rows
from mailbot.workers.channels import by_mail
from mailbot.workers.loop import process_isolating_failures
from mailbot.workers.runtime import Deps, load_missing_ladders
from mailbot.workers.ticket_context import Draft

BATCH = 100
REST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A failed mail that its ticket knows of now. `number` is that ticket, "" where there is none."""

    failed: UnreportedMail
    number: str
    suppressed: bool  # its recipient gets no automatic mail from now on


class FailedMail:
    """The worker. One transaction decides, records and marks: each once, on any number of nodes."""

    name: Final = "failed mail"
    stop_stage: Final = "process"

    def __init__(self, deps: Deps) -> None:
        self._deps, self._store = deps, deps.store

    async def run_once(self) -> timedelta | float:
        failed = await self._store.read(failures.unreported, BATCH)
        if not failed:
            return REST
        await process_isolating_failures(failed, self._handle, self._park)
        return 0

    async def _park(self, failed: UnreportedMail, error: Exception) -> None:
        await self._store.write(self._give_up, failed.sent.id)
        self._deps.metrics.parked.inc()
        log.failed_mail_parked(outbox_id=failed.sent.id, number=failed.sent.ticket, error=error)

    async def _handle(self, batch: Sequence[UnreportedMail]) -> None:
        ids = tuple(failed.sent.id for failed in batch)
        for each in await self._store.write(self._record, ids, alone=True):
            log.failed_mail_recorded(
                outbox_id=each.failed.sent.id, number=each.number, suppressed=each.suppressed
            )
        self._deps.wake_delivery()

    def _record(self, connection: Connection, items: Sequence[Sequence[int]]) -> list[list[Recorded]]:
        return [self._record_batch(connection, ids) for ids in items]

    def _record_batch(self, connection: Connection, ids: Sequence[int]) -> list[Recorded]:
        now = self._deps.now()
        numbers = {failed.sent.ticket for failed in failures.unreported(connection, BATCH, ids)}
        loaded = tickets.load_with_merge_targets(connection, numbers)
        snapshot = load_missing_ladders(connection, self._deps.runtime.snapshot, loaded.values())
        drafts, recorded, suppressed = [], [], dict[str, Suppression]()
        notified = set[tuple[str, str]]()  # (ticket, recipient) in this batch
        # Read again: another node may have recorded some while we waited for the tickets' locks.
        for failed in failures.unreported(connection, BATCH, ids):
            sent = failed.sent
            number = tickets.merge_target(sent.ticket, loaded)
            if number not in loaded:
                recorded.append(Recorded(failed, "", suppressed=False))
                continue
            before, key = loaded[number], (sent.ticket, sent.recipient)
            sent = replace(sent, told=sent.told or key in notified)
            mailed = by_mail.find(connection, before, sent)
            decision, suppression = on_failure(
                before, sent, failed.code, failed.reply, snapshot.policy, now, mailed
            )
            notified.add(key)
            loaded[number] = decision.ticket
            if suppression:
                suppressed[suppression.address] = suppression
            drafts.append(Draft(before, decision))
            recorded.append(Recorded(failed, number, suppressed=suppression is not None))
        tickets.record(connection, outbox_rows.build_all(connection, drafts, snapshot, now))
        suppressions.add(connection, list(suppressed.values()))
        failures.mark_reported(connection, [each.failed.sent.id for each in recorded], now)
        return recorded

    def _give_up(self, connection: Connection, ids: Sequence[int]) -> list[None]:
        failures.mark_reported(connection, ids, self._deps.now())
        return [None] * len(ids)
