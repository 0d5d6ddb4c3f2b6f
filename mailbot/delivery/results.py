"""What becomes of the mails a node has claimed: recorded by tasks of their own, until the store takes it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from mailbot import log
from mailbot.delivery.retry import backoff, probe, rested
from mailbot.delivery.smtp_client import Reply
from mailbot.domain.notices import Acknowledgement
from mailbot.domain.states import AttemptOutcome
from mailbot.errors import StoreUnavailable
from mailbot.metrics import Metrics
from mailbot.store import outbox
from mailbot.store.outbox import AttemptResult, Claimed, Unsent
from mailbot.store.store import Store
from mailbot.store.writers import Op

R = TypeVar("R")
MOST_UPSETTING = 1000  # mails whose mischief is remembered


@dataclass(frozen=True, slots=True)
class Pace:
    """How often things are tried. `give_up` is how long a mail is deferred before it counts as failed."""

    retry: Callable[[int, float], timedelta] = backoff
    probe: Callable[[int], float] = probe
    give_up: timedelta = timedelta(days=5)
    poll: float = 1.0  # seconds: only the safety net, whoever owes a mail wakes us


class Outcomes:
    """`in_hand` rows are claimed and neither settled nor given back. `freed` is called whenever one of them
    is, `wake` when a mail has a new time."""

    def __init__(
        self,
        store: Store,
        node: str,
        metrics: Metrics,
        pace: Pace,
        *,
        now: Callable[[], datetime],
        random: Callable[[], float],
        freed: Callable[[], None],
        wake: Callable[[], None],
    ) -> None:
        self.in_hand = 0
        self._store, self._node, self._metrics, self._pace = store, node, metrics, pace
        self._now, self._random, self._freed, self._wake = now, random, freed, wake
        self._upsetting: dict[int, int] = {}  # how often a mail alone upset the relay
        self._tasks: set[asyncio.Task[None]] = set()  # kept: a task without a reference is collected

    def settle(self, row: Claimed, outcome: AttemptOutcome, reply: Reply) -> None:
        """An attempt was made. deferred and unknown are tried again, unless they were for too long."""
        at, due_at = self._now(), None
        if outcome in (AttemptOutcome.DEFERRED, AttemptOutcome.UNKNOWN):
            if rested(row.attempts + 1) >= self._pace.give_up:
                outcome = AttemptOutcome.FAILED
            else:
                due_at = at + self._pace.retry(row.attempts + 1, self._random())
        settled = AttemptResult(row.id, self._node, outcome, at, reply.code or None, reply.text, due_at)
        self._later(self._record(row, settled))

    def give_back(self, rows: Iterable[Claimed], due_at: datetime | None = None) -> None:
        """No attempt was made: they wait again, at their old place or until `due_at`."""
        for row in rows:
            self._later(self._hold(row, due_at))

    def set_aside(self, row: Claimed) -> None:
        """Given back, but behind the others, so that a mail that upsets the relay can't block them (P5)."""
        times = self._upsetting[row.id] = self._upsetting.pop(row.id, 0) + 1
        if len(self._upsetting) > MOST_UPSETTING:
            self._upsetting.pop(next(iter(self._upsetting)))
        self.give_back([row], self._now() + self._pace.retry(times, self._random()))

    def forget(self) -> None:
        """A row in hand is no longer ours."""
        self.in_hand -= 1
        self._freed()

    async def finish(self, seconds: float) -> None:
        """Waits for what is still to be recorded. What the store does not take, the next start releases."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()

    async def _record(self, row: Claimed, settled: AttemptResult) -> None:
        try:
            if await self._insist(outbox.record_results, settled):
                seconds = (settled.at - row.requested_at).total_seconds()
                _say(row, settled, seconds)
                _count(self._metrics, row, settled, seconds)
        finally:
            self._upsetting.pop(row.id, None)
            self.forget()
        if settled.due_at is not None:
            self._wake()

    async def _hold(self, row: Claimed, due_at: datetime | None) -> None:
        try:
            await self._insist(outbox.give_back, Unsent(row.id, self._node, due_at))
        finally:
            self.forget()

    async def _insist(self, op: Op[Any, R], item: Any) -> R:
        """Writes until the store takes it: what has happened to a mail can't be left unsaid."""
        pause = 0.1
        while True:
            try:
                return await self._store.write(op, item)
            except StoreUnavailable:
                await asyncio.sleep(pause)
                pause = min(2 * pause, 5.0)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.loop_failed(name="delivery", error=error, retry_in=0.0)


def _say(row: Claimed, settled: AttemptResult, seconds: float) -> None:
    if settled.outcome == AttemptOutcome.SENT:
        log.delivery_sent(outbox_id=row.id, number=row.ticket, kind=row.kind, seconds=seconds)
    elif settled.due_at is not None:
        log.delivery_deferred(outbox_id=row.id, code=settled.code or 0, retry_in=settled.due_at - settled.at)
    else:
        log.delivery_failed(outbox_id=row.id, code=settled.code or 0)


def _count(metrics: Metrics, row: Claimed, settled: AttemptResult, seconds: float) -> None:
    if settled.outcome == AttemptOutcome.SENT:
        metrics.delivered.labels(row.kind).inc()
        if row.kind == Acknowledgement.name:
            metrics.acknowledged.inc()
            metrics.acknowledgement_seconds.observe(seconds)
    elif settled.due_at is not None:
        metrics.deferred.inc()
    else:
        metrics.failed.inc()
