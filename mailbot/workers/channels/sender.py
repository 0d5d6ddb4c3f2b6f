"""Send what the outbox holds for a channel: claim, mark, hand to the provider, record (promise P3).

Theory of operation. A row is `dot` in a commit before the provider gets it: after a crash it counts as perhaps sent,
and a second copy can come from there alone, counted. Messages to one person leave one after another. Trouble of the
channel as a whole gives rows back without an attempt, and the channel rests.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from random import random as chance
from typing import Any, Final

from mailbot import log
from mailbot.channels.seam import Channel, Result
from mailbot.delivery.retry import backoff, probe, waited
from mailbot.domain.model import AttemptOutcome
from mailbot.errors import StoreUnavailable
from mailbot.store import outbox
from mailbot.store.channels import sent
from mailbot.store.channels.sent import ChannelResult
from mailbot.store.outbox import AttemptResult, ChannelClaim, Claimed, FinalDot, Unsent
from mailbot.store.service.claims import Claims
from mailbot.store.writers import Op
from mailbot.workers.channels.outgoing import read_outgoing
from mailbot.workers.loop import all_of
from mailbot.workers.runtime import Deps

AT_ONCE = 8  # messages under way
POLL = 0.5  # seconds: a safety net, as what is enqueued wakes us
GIVE_UP = timedelta(days=5)
SEND_TIMEOUT = 60.0  # seconds for the provider's reply
RECORD_SECONDS = 30.0  # for the store to take what happened; then the row counts as unknown
RECORD_PAUSE = 0.5


class ChannelSender:
    """The worker of one channel with `send`. `error`: the channel's trouble, "" for none."""

    stop_stage: Final = "deliver"

    def __init__(
        self, deps: Deps, channel: Channel, node: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.name, self.error = f"send {channel.name}", ""
        self._deps, self._store, self._channel, self._node = deps, deps.store, channel, node
        self._monotonic = monotonic
        release = partial(outbox.release_unheld_of_channel, channel.name)
        self._claims = Claims(self._store, node, release, monotonic)
        self._failures = 0  # of the channel, in a row
        self._rests_until = 0.0

    async def run_once(self) -> timedelta | float:
        """Send what is due, and return the time to rest."""
        await self._claims.check(())
        if (rest := self._rests_until - self._monotonic()) > 0:
            return min(rest, POLL)
        if not await self._store.read(outbox.channel_is_due, self._channel.name, self._deps.now()):
            return POLL
        most = AT_ONCE if not self.error else 1
        with self._claims.doubt_on_error():
            wanted = ChannelClaim(self._node, self._channel.name, most, self._deps.now())
            rows = await self._store.write(outbox.claim_of_channel, wanted)
            await all_of(self._send_in_turn(each) for each in _by_person(rows))
        return 0 if len(rows) == most else POLL

    async def _send_in_turn(self, rows: list[Claimed]) -> None:
        for row in rows:
            await self._send(row)

    async def _send(self, row: Claimed) -> None:
        if self._rests_until > self._monotonic():  # trouble of the channel came in between
            return await self._give_back(row, None)
        try:
            outgoing = read_outgoing(row, await self._store.read(sent.past, row.id, row.recipient))
        except ValueError as error:
            return await self._record(row, Result(AttemptOutcome.FAILED, str(error)))
        if not await self._store.write(outbox.mark_dot, FinalDot(row.id, self._node, self._deps.now())):
            return None  # another node has it
        assert self._channel.send
        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                result = await self._channel.send(outgoing)
        except TimeoutError:
            result = Result(AttemptOutcome.UNKNOWN, f"no reply within {SEND_TIMEOUT:g} s")
        if result.is_ours:
            return await self._rest(row, result)
        self._failures, self.error = 0, ""
        return await self._record(row, result)

    async def _rest(self, row: Claimed, result: Result) -> None:
        """Give a message back unsent, and let the channel rest."""
        self._failures += 1
        pause = result.retry_after.total_seconds() if result.retry_after else probe(self._failures)
        self._rests_until = self._monotonic() + pause
        if not self.error:
            log.channel_down(channel=self._channel.name, error=result.text)
        self.error = result.text or "it does not answer"
        await self._give_back(row, pause)

    async def _give_back(self, row: Claimed, pause: float | None) -> None:
        due_at = None if pause is None else self._deps.now() + timedelta(seconds=pause)
        await self._write(outbox.give_back, Unsent(row.id, self._node, due_at))

    async def _record(self, row: Claimed, result: Result) -> None:
        now, pause = self._deps.now(), _pause(row, result)
        outcome = result.outcome
        if outcome == AttemptOutcome.DEFERRED and pause is None:
            outcome = AttemptOutcome.FAILED
        due_at = None if pause is None else now + pause
        attempt = AttemptResult(
            row.id, self._node, outcome, now, result.code or None, result.text or "taken", due_at
        )
        taken = ChannelResult(self._channel.name, attempt, result.external_ids, row.recipient)
        await self._write(sent.record, taken)
        log.channel_message_sent(
            channel=self._channel.name, outbox_id=row.id, number=row.ticket, outcome=outcome.value
        )

    async def _write(self, operation: Op[Any, Any], item: Any) -> None:
        """Record what happened, also after the store was away for a while. Raises StoreUnavailable."""
        until = self._monotonic() + RECORD_SECONDS
        while True:
            try:
                return await self._store.write(operation, item)
            except StoreUnavailable:
                if self._monotonic() > until:
                    raise
                await asyncio.sleep(RECORD_PAUSE)


def _by_person(rows: list[Claimed]) -> list[list[Claimed]]:
    """Divide messages by who gets them, each in their order."""
    found: dict[str, list[Claimed]] = {}
    for row in rows:
        found.setdefault(row.recipient, []).append(row)
    return list(found.values())


def _pause(row: Claimed, result: Result) -> timedelta | None:
    """Return how long a message waits for its next attempt; None: there is none."""
    attempts = row.attempts + 1
    unknown = row.unknown_in_a_row + 1 if result.outcome == AttemptOutcome.UNKNOWN else 0
    final = result.outcome in (AttemptOutcome.SENT, AttemptOutcome.FAILED)
    if final or waited(attempts) >= GIVE_UP or unknown >= outbox.MAX_UNKNOWN:
        return None
    if unknown > 1:
        return outbox.UNKNOWN_PAUSE
    return result.retry_after or backoff(attempts, chance())
