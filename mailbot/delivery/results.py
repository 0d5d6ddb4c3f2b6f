"""Results of the mails that a node has claimed, recorded by tasks beside the connections."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from mailbot import log
from mailbot.delivery.retry import backoff, probe, waited
from mailbot.delivery.smtp_client import Reply
from mailbot.domain.model import AttemptOutcome
from mailbot.domain.notices import Acknowledgement
from mailbot.errors import StoreUnavailable
from mailbot.metrics import Metrics
from mailbot.store import outbox
from mailbot.store.outbox import AttemptResult, Claimed, Unsent
from mailbot.store.store import Store
from mailbot.store.writers import Op

R = TypeVar("R")
JOIN_SECONDS = 0.05  # that a result may wait for another commit
MAX_BROKEN = 1000  # mails whose broken connections are counted


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often things are tried. `give_up` is how long a mail is deferred before it counts as failed."""

    retry: Callable[[int, float], timedelta] = backoff
    probe: Callable[[int], float] = probe
    give_up: timedelta = timedelta(days=5)
    unknown_pause: timedelta = outbox.UNKNOWN_PAUSE  # before the last copy to a relay that gives no reply
    poll: float = 1.0  # seconds: a safety net, as each new mail wakes us


class Results:
    """Records the results of claimed rows. `held`: the ids of those not recorded or released yet.

    `unsure`: those among them whose result was written at least once, and the store has not confirmed it.
    `on_freed` is called for each row that leaves, `wake` when a mail gets a new time.
    """

    def __init__(
        self,
        store: Store,
        node: str,
        metrics: Metrics,
        retry_policy: RetryPolicy,
        *,
        now: Callable[[], datetime],
        random: Callable[[], float],
        on_freed: Callable[[Claimed], None],
        wake: Callable[[], None],
    ) -> None:
        self.held: Counter[int] = Counter()  # twice in hand: it was taken from us and claimed again
        self.bytes_in_hand = 0
        self.unsure: set[int] = set()
        self._store, self._node, self._metrics, self._retry_policy = store, node, metrics, retry_policy
        self._now, self._random, self._on_freed, self._wake = now, random, on_freed, wake
        self._broken_connections: dict[int, int] = {}  # outbox id -> connections that the mail broke alone
        self._tasks: set[asyncio.Task[None]] = set()  # kept: a task without a reference is collected

    @property
    def in_hand(self) -> int:
        return self.held.total()

    def take(self, rows: Iterable[Claimed]) -> None:
        """Note that rows are claimed."""
        for row in rows:
            self.held[row.id] += 1
            self.bytes_in_hand += row.size

    def record(self, row: Claimed, outcome: AttemptOutcome, reply: Reply) -> None:
        """Record an attempt. Deferred and unknown are tried again, unless the mail is too old."""
        pause, at = self._pause(row, outcome), self._now()
        if outcome == AttemptOutcome.DEFERRED and pause is None:
            outcome = AttemptOutcome.FAILED
        if outcome == AttemptOutcome.UNKNOWN and row.unknown_in_a_row + 1 >= outbox.MAX_UNKNOWN:
            reply = Reply(0, outbox.TOO_MANY_UNKNOWN)
        due_at = None if pause is None else at + pause
        result = AttemptResult(row.id, self._node, outcome, at, reply.code or None, reply.text, due_at)
        self._spawn(self._record(row, result))

    def _pause(self, row: Claimed, outcome: AttemptOutcome) -> timedelta | None:
        """Return how long the mail waits for its next attempt; None: there is none."""
        unknown = row.unknown_in_a_row + 1 if outcome == AttemptOutcome.UNKNOWN else 0
        policy, attempts = self._retry_policy, row.attempts + 1
        final = outcome in (AttemptOutcome.SENT, AttemptOutcome.FAILED)
        if final or waited(attempts) >= policy.give_up or unknown >= outbox.MAX_UNKNOWN:
            return None
        return policy.unknown_pause if unknown > 1 else policy.retry(attempts, self._random())

    def release(self, rows: Iterable[Claimed], due_at: datetime | None = None) -> None:
        """Return rows without an attempt: they wait again, at their old place or until `due_at`."""
        for row in rows:
            self._spawn(self._release(row, due_at))

    def postpone(self, row: Claimed, at_most: timedelta = timedelta.max) -> None:
        """Return a row behind the others, so that a mail that breaks connections can't block them."""
        breaks = self._broken_connections[row.id] = self._broken_connections.pop(row.id, 0) + 1
        if len(self._broken_connections) > MAX_BROKEN:
            self._broken_connections.pop(next(iter(self._broken_connections)))
        pause = min(self._retry_policy.retry(breaks, self._random()), at_most)
        self.release([row], self._now() + pause)

    def retry_refused(self) -> None:
        """Let mails that the relay refused wait no longer: it accepts mail again."""
        self._spawn(self._retry_refused())

    def drop_row(self, row: Claimed) -> None:
        """Note that a row is in hand no more."""
        self.held[row.id] -= 1
        self.bytes_in_hand -= row.size
        if self.held[row.id] <= 0:
            del self.held[row.id]
        self.unsure.discard(row.id)
        self._on_freed(row)

    async def finish(self, seconds: float) -> None:
        """Wait for what is still to be recorded. The next start releases what the store does not take."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()

    async def _record(self, row: Claimed, result: AttemptResult) -> None:
        try:
            if await self._write_until_taken(row, outbox.record_results, result, JOIN_SECONDS):
                self._report(row, result)
        finally:
            self._broken_connections.pop(row.id, None)
            self.drop_row(row)
        if result.due_at is not None:
            self._wake()

    async def _release(self, row: Claimed, due_at: datetime | None) -> None:
        try:
            await self._write_until_taken(row, outbox.give_back, Unsent(row.id, self._node, due_at), 0.0)
        finally:
            self.drop_row(row)

    async def _retry_refused(self) -> None:
        try:
            await self._store.write(outbox.retry_refused, self._now())
        except StoreUnavailable:
            return  # they come at their own time
        self._wake()

    async def _write_until_taken(self, row: Claimed, op: Op[Any, R], item: Any, within: float) -> R:
        """Write until the store takes it: the outcome of a mail must be recorded.

        The first try may have been committed. So a row that is unsure must not be claimed by us again meanwhile.
        """
        pause = 0.1
        while True:
            try:
                return await self._store.write(op, item, quick=True, within=within)
            except StoreUnavailable:
                self.unsure.add(row.id)
                await asyncio.sleep(pause)
                pause = min(2 * pause, 5.0)

    def _report(self, row: Claimed, result: AttemptResult) -> None:
        """Log and count a result that is recorded."""
        metrics, code = self._metrics, result.code or 0
        if result.outcome == AttemptOutcome.SENT:
            seconds = (result.at - row.requested_at).total_seconds()
            log.delivery_sent(outbox_id=row.id, number=row.ticket, kind=row.kind, seconds=seconds)
            metrics.delivered.labels(row.kind).inc()
            if row.kind == Acknowledgement.name:
                metrics.acknowledged.inc()
                metrics.acknowledgement_seconds.observe(seconds)
        elif result.due_at is not None:
            log.delivery_deferred(outbox_id=row.id, code=code, retry_in=result.due_at - result.at)
            metrics.deferred.inc()
        else:
            log.delivery_failed(outbox_id=row.id, code=code)
            metrics.failed.inc()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.loop_failed(name="delivery", error=error, retry_in=0.0)
