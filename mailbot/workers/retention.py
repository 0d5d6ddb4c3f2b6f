"""Deletes what is past its time by the policy, a little at a time, and gives the space back."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from mailbot import log
from mailbot.store.retention import last_run
from mailbot.store.retention.last_run import LastRun
from mailbot.store.retention.rules import Line, rules_of
from mailbot.store.retention.run import Done, Read, Run, Write, run
from mailbot.workers.runtime import Deps

EVERY = timedelta(hours=1)
TURN = 2.0  # seconds of work: the loop is never stuck, and the daemon stops soon
REST = 0.05  # seconds after each step; after a slow one twice as long as it took
LONGEST_REST = 2.0


class Retention:
    """The worker. Several nodes may run it: each skips what another one is deleting."""

    name: Final = "retention"
    stop_stage: Final = "background"

    def __init__(self, deps: Deps, rest: float = REST) -> None:
        self._deps, self._store, self._rest = deps, deps.store, rest
        self._run: Run | None = None
        self._began_at = deps.now()
        self._step: Read | Write | None = None

    async def run_once(self) -> timedelta | float:
        """Go on with the run under way, or begin one. After a failure the next turn begins anew."""
        under_way, step = self._run, self._step
        self._run = None
        if under_way is None or step is None:
            self._began_at = self._deps.now()
            under_way = run(rules_of(self._deps.runtime.policy, self._began_at), deletes=True)
            step = next(under_way)
        end = time.monotonic() + TURN
        while time.monotonic() < end:
            done = await self._carry_out(step)
            try:
                step = under_way.send(done)
            except StopIteration as ended:
                await self._record(ended.value)
                return EVERY
            await asyncio.sleep(min(LONGEST_REST, max(self._rest, 2 * done.seconds)) if self._rest else 0)
        self._run, self._step = under_way, step
        return self._rest

    async def _carry_out(self, step: Read | Write) -> Done:
        began = time.monotonic()
        if isinstance(step, Read):
            result = await self._store.read(step.query, *step.args)
        else:
            result = await self._store.write(step.op, step.item, alone=True)
        return Done(result, time.monotonic() - began)

    async def _record(self, lines: Sequence[Line]) -> None:
        ended_at = self._deps.now()
        await self._store.write(last_run.record, LastRun(self._began_at, ended_at, lines))
        for line in lines:
            self._deps.metrics.deleted.labels(line.kind).inc(line.count)
            log.retention_deleted(mailbox=line.mailbox, kind=line.kind, count=line.count, bytes=line.bytes)
        self._deps.metrics.retention_ended.set(ended_at.timestamp())
