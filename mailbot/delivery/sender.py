"""Sends what the outbox holds: claim, offer, mark the dot, finish, record (promise P3).

Theory of operation. `run_once` claims mails into `_queue`, a heap with acknowledgements on top, and starts
sender tasks. Each owns one connection and sends one mail after another until the queue is empty. Results are
recorded beside them, so that a connection never waits for a commit except the one before its dot.

Trouble with the relay is no mail's fault: rows go back to `due` without an attempt, and the circuit breaker
lets one mail at a time try until a reply shows that the trouble is over. Trouble is: no connection, every sender
refused, mail after mail refused for good (`refusals`), mail after mail without a reply to its dot. Trouble with
one of several connections only makes us use fewer.
"""

import asyncio
import heapq
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from random import random
from typing import Final

from mailbot import log
from mailbot.config.model import Relay
from mailbot.delivery.handover import Grant, Grants
from mailbot.delivery.refusals import Refusals
from mailbot.delivery.results import Results, RetryPolicy
from mailbot.delivery.retry import MAX_PROBE, Breaker, Trouble
from mailbot.delivery.shares import ROWS_PER_CONNECTION, Shares
from mailbot.delivery.smtp_client import (
    ConnectFailed,
    ConnectionLost,
    Refusal,
    RelaySession,
    Reply,
    Timeouts,
    open_session,
    sendable,
    tls_context,
)
from mailbot.domain.model import AttemptOutcome
from mailbot.errors import StoreUnavailable
from mailbot.metrics import Metrics
from mailbot.store import outbox
from mailbot.store.outbox import Claim, Claimed, FinalDot, Trial
from mailbot.store.service.claims import Claims
from mailbot.store.store import Store

MANY_READY = 60  # mails in memory, from which on new mail waits a little for its 250
SOON = 0.01  # seconds until what is being committed is in hand
REDUCED_SECONDS = 30.0  # with fewer connections after the relay refused another one
HOLD = timedelta(seconds=MAX_PROBE)  # the longest rest of a mail that was the trial of a relay in trouble
MANY_UNKNOWN = 3  # different mails in a row without a reply to their dot: the relay's trouble
BYTES_IN_HAND = 32_000_000  # of mails, and the last of them: 160 notices of 10 MB would fill the memory
RECORD_TIMEOUT = 5.0  # seconds at the end of a drain for what is still to be recorded


class Delivery:
    """The worker. `wake` asks its loop for another turn, and `hostname` is our name in EHLO.

    `tls` replaces the context of `tls_context`.
    """

    name: Final = "delivery"
    stop_stage: Final = "deliver"

    def __init__(
        self,
        store: Store,
        relay: Relay,
        node: str,
        *,
        hostname: str,
        metrics: Metrics,
        wake: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random,
        retry_policy: RetryPolicy | None = None,
        timeouts: Timeouts | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._store, self._node, self._wake = store, node, wake
        self._now, self._monotonic, self._retry_policy = now, monotonic, retry_policy or RetryPolicy()
        self._results = Results(
            store,
            node,
            metrics,
            self._retry_policy,
            now=now,
            random=random,
            on_freed=self._claim_more,
            wake=wake,
        )
        self._claims = Claims(store, node, outbox.release_unheld, monotonic)
        self._breaker = Breaker(self._retry_policy.probe)
        self._refusals = Refusals()
        self._shares = Shares(relay.connections)
        self._unknown: set[int] = set()  # mails in a row without a reply to their dot
        self._last_lane = False  # where the next trial begins
        context = tls or tls_context(relay)
        self._connect = partial(open_session, relay, hostname=hostname, tls=context, timeouts=timeouts)
        self._connections, self._reduced, self._reduced_until = relay.connections, relay.connections, 0.0
        self._queue: list[tuple[int, datetime, int, Claimed]] = []
        self._may_have_more = False  # the last claim was filled: there may be more
        self._older_waits = True  # in the store, as far as we know: what is enqueued now comes behind it
        self._stopping = False
        self._bodies_sent: set[int] = set()  # mails whose body may have left
        self._idle: list[RelaySession] = []
        self._grants = Grants()
        self._sessions: set[RelaySession] = set()
        self._connecting = 0  # connections that are being opened
        self._senders: set[asyncio.Task[None]] = set()  # kept: a task without a reference is collected

    @property
    def relay_is_down(self) -> bool:
        return self._breaker.is_open

    @property
    def relay_trouble(self) -> str:
        """Return what is wrong with the relay, for operators; "" while all is well."""
        if self._breaker.is_open:
            return f"{self._breaker.reason} (mail is held, one at a time is tried)"
        return self._refusals.reason

    async def run_once(self) -> float:
        """Claim rows while there is room, without waiting for the relay. Return the seconds to rest."""
        if self._claims.due and self._grants.any:
            return SOON  # what is being committed for us is not in hand yet
        await self._claims.check(self._results.held)
        room = self._room()
        if room == 0:
            if self._breaker.is_open:
                return self._breaker.until - self._monotonic()
            return self._retry_policy.poll
        with self._claims.doubt_on_error():
            rows = await self._claim(room)
        was_cut = any(row.more_wait for row in rows)
        self._may_have_more = self._older_waits = len(rows) == room or was_cut
        self._results.take(rows)
        self._shares.take(rows, self._monotonic())
        if self._stopping:
            self._results.release(rows)
        else:
            self._enqueue(rows)
        return self._retry_policy.poll if rows else await self._seconds_until_due()

    async def _claim(self, room: int) -> list[Claimed]:
        now, unsure = self._now(), tuple(self._results.unsure)
        if not self._breaker.is_open:
            shares, self._shares.connections = self._shares, self._connection_limit()
            quotas, size = shares.quotas(self._monotonic()), BYTES_IN_HAND - self._results.bytes_in_hand
            wanted = Claim(self._node, room, now, unsure, quotas, shares.quarter, size)
            return await self._store.write(outbox.claim, wanted, quick=True)
        self._last_lane = not self._last_lane
        return await self._store.write(
            outbox.claim_trial, Trial(self._node, now, unsure, not self._last_lane)
        )

    def _room(self) -> int:
        if self._stopping:
            return 0
        if self._breaker.is_open:
            return 1 if self._breaker.allow_trial(self._monotonic()) else 0
        limit = self._connections * ROWS_PER_CONNECTION
        room = limit - self._results.in_hand
        self._may_have_more = True
        return room if room >= limit // 4 and self._results.bytes_in_hand < BYTES_IN_HAND else 0

    def _claim_more(self, row: Claimed) -> None:
        if self._shares.drop(row, self._monotonic()):
            self._wake()
        if self._may_have_more and self._results.in_hand <= self._connections * ROWS_PER_CONNECTION // 2:
            self._may_have_more = False
            self._wake()

    async def _seconds_until_due(self) -> float:
        """Return the seconds until something is due."""
        if self._breaker.is_open:
            self._breaker.skip_trial()
        if self._shares.holds_back:  # what is due next may have to wait for its share
            return self._retry_policy.poll
        due_at = await self._store.read(outbox.next_due)
        seconds = (due_at - self._now()).total_seconds() if due_at else self._retry_policy.poll
        return min(max(seconds, 0.001), self._retry_policy.poll)

    # --- what its own node enqueued -----------------------------------------------------------------------

    def grant(self, mails: int) -> Grant | None:
        """Return a share for decisions on so many mails; None: what they enqueue waits in the store."""
        if self._stopping or self._older_waits or self._breaker.is_open or self._claims.due:
            return None
        return self._grants.give(mails, self._results.in_hand, self._idle)

    @property
    def is_behind(self) -> bool:
        """Return whether many mails are ready and wait for a connection. One slow domain can't bring that about."""
        return len(self._queue) > MANY_READY

    def take_over(self, grant: Grant, rows: Sequence[Claimed], *, left: bool) -> None:
        """Send the mails that were enqueued with `grant`. `left`: others are due too, and wait in the store."""
        self._grants.take_back(grant)
        self._results.take(rows)
        for row in rows:
            self._take_over(row, grant)
        self._idle += grant.sessions
        self._enqueue(())
        if left:
            self._older_waits = True
            self._wake()

    def _take_over(self, row: Claimed, grant: Grant) -> None:
        now = self._monotonic()
        may_hold = self._shares.hold(row, now) and not self._stopping and not self._breaker.is_open
        if not may_hold or (row.marked and not grant.sessions):
            self._results.release([row])
        elif row.marked:
            self._shares.begin(row, now)
            self._start_sender(row, grant.sessions.pop())
        else:
            heapq.heappush(self._queue, (row.lane, row.due_at, row.id, row))

    def give_back(self, grant: Grant, *, in_doubt: bool) -> None:
        """Return a share that came to nothing. `in_doubt`: mails may be ours all the same."""
        self._grants.take_back(grant)
        self._idle += grant.sessions
        if in_doubt:
            self._claims.doubt()
            self._wake()

    # --- sender tasks -------------------------------------------------------------------------------------

    def _enqueue(self, rows: Iterable[Claimed]) -> None:
        for row in rows:
            heapq.heappush(self._queue, (row.lane, row.due_at, row.id, row))
        while len(self._senders) < self._connection_limit() and (first := self._next()):
            self._start_sender(first)

    def _start_sender(self, first: Claimed, session: RelaySession | None = None) -> None:
        task = asyncio.create_task(self._send_queued(first, session))
        self._senders.add(task)
        task.add_done_callback(self._sender_ended)

    def _next(self) -> Claimed | None:
        """Take the first row in line whose domain may have one more connection."""
        now, self._shares.connections = self._monotonic(), self._connection_limit()
        passed: list[tuple[int, datetime, int, Claimed]] = []
        found = None
        while self._queue and found is None:
            entry = heapq.heappop(self._queue)
            if self._shares.may_begin(entry[-1].domain, now):
                found = entry[-1]
                self._shares.begin(found, now)
            else:
                passed.append(entry)
        for entry in passed:
            heapq.heappush(self._queue, entry)
        return found

    def _connection_limit(self) -> int:
        return self._reduced if self._monotonic() < self._reduced_until else self._connections

    def _sender_ended(self, task: asyncio.Task[None]) -> None:
        self._senders.discard(task)
        if not self._stopping:
            self._enqueue(())  # rows that were put back while this task ended

    async def _send_queued(self, first: Claimed, session: RelaySession | None = None) -> None:
        row: Claimed | None = first
        while row:
            try:
                session = await self._send(row, session)
            except asyncio.CancelledError:  # the end of a drain
                self._interrupt(row)
                raise
            except Exception as error:  # an error in one mail must not stop the others
                log.loop_failed(name=self.name, error=error, retry_in=0.0)
                outcome = AttemptOutcome.UNKNOWN if row.id in self._bodies_sent else AttemptOutcome.DEFERRED
                self._results.record(row, outcome, Reply(0, f"mailbot: {type(error).__name__}"))
            finally:
                self._bodies_sent.discard(row.id)
                self._shares.end(row)
            row = self._next() if len(self._senders) <= self._connection_limit() else None
            self._enqueue(())  # a domain that has answered may have more connections
        if session is not None and session.alive:
            self._idle.append(session)

    async def _send(self, row: Claimed, session: RelaySession | None) -> RelaySession | None:
        """Send one mail through all its states. Returns the session for the next one."""
        if row.content is None or not sendable(row.sender, row.recipient):
            missing = row.content is None
            fault = "its frozen bytes are missing" if missing else "an address can't stand in an SMTP command"
            self._results.record(row, AttemptOutcome.FAILED, Reply(0, fault))
            return session
        began = self._monotonic()
        try:
            session, refusal = await self._offer(row, row.content, session)
        except ConnectionLost as error:
            if row.marked:
                self._results.release([row])  # uncounted: nothing of it has left
                self._wake()
            else:
                self._connection_failed(row, error)
            return None
        try:
            if refusal:
                self._refused(row, refusal, session)
            elif await self._mark_dot(row):
                await self._finish(row, session, began)
            else:
                session.abort()
        except BaseException:
            session.abort()  # a relay that waits for a body can't take the next mail
            raise
        return session

    async def _offer(
        self, row: Claimed, content: bytes, session: RelaySession | None
    ) -> tuple[RelaySession, Refusal | None]:
        while self._idle and (session is None or not session.alive):
            session = self._idle.pop()
        if session is not None and session.alive:
            try:
                return session, await session.offer(row.sender, row.recipient, content)
            except ConnectionLost:
                if row.marked:
                    raise  # its dot counted on this connection
                # An idle connection goes stale: open another one at once, without counting it.
        session = await self._open()
        return session, await session.offer(row.sender, row.recipient, content)

    async def _open(self) -> RelaySession:
        self._connecting += 1
        try:
            session = await self._connect()
        finally:
            self._connecting -= 1
        self._sessions = {known for known in self._sessions if known.alive} | {session}
        return session

    async def _mark_dot(self, row: Claimed) -> bool:
        """Commit the `dot` state. Return whether the final dot may be sent; otherwise the row waits again."""
        if row.marked:
            return True
        final_dot = FinalDot(row.id, self._node, self._now())
        try:
            still_ours = await self._store.write(outbox.mark_dot, final_dot, quick=True)
        except StoreUnavailable:
            self._results.release([row])
            return False
        if not still_ours:
            self._results.drop_row(row)
        return still_ours

    async def _finish(self, row: Claimed, session: RelaySession, began: float) -> None:
        self._bodies_sent.add(row.id)
        try:
            reply = await session.finish()
        except ConnectionLost as error:
            self._no_reply(row, error)
            return
        self._unknown.clear()
        self._relay_replied(row, reply, at_dot=True)
        if reply.code < 300 and self._refusals.accept(row, began):
            self._results.retry_refused()

    # --- replies of the relay -----------------------------------------------------------------------------

    def _no_reply(self, row: Claimed, error: ConnectionLost) -> None:
        self._results.record(row, AttemptOutcome.UNKNOWN, Reply(0, error.text))
        self._unknown.add(row.id)
        if len(self._unknown) >= MANY_UNKNOWN or self._breaker.trouble is Trouble.SILENT:
            self._open_breaker(f"the relay takes mail without a reply: {error.text}", Trouble.SILENT)

    def _relay_replied(self, row: Claimed, reply: Reply, *, at_dot: bool = False) -> None:
        self._shares.answered(row, self._monotonic())
        if self._breaker.judge(reply.code, at_dot=at_dot):
            log.relay_up()
            self._wake()
        if reply.code >= 500:
            self._refused_for_good(row, reply)
        else:
            outcome = AttemptOutcome.SENT if reply.code < 300 else AttemptOutcome.DEFERRED
            self._results.record(row, outcome, reply)

    def _refused_for_good(self, row: Claimed, reply: Reply) -> None:
        again = self._refusals.is_known(row)
        if self._refusals.is_final(row, reply, self._monotonic()):
            self._results.record(row, AttemptOutcome.FAILED, reply)
        elif again and self._breaker.is_open:
            self._results.postpone(row, HOLD)  # a trial says nothing about this mail
        else:
            self._results.record(row, AttemptOutcome.DEFERRED, reply)
        if self._refusals.refuses_all:
            self._open_breaker(self._refusals.reason, Trouble.REFUSES)

    def _refused(self, row: Claimed, refusal: Refusal, session: RelaySession) -> None:
        reply = refusal.reply
        if reply.code < 400:  # such as 250 to DATA: the body has not left, so it is never "sent"
            session.abort()
            return self._results.record(row, AttemptOutcome.DEFERRED, reply)
        if refusal.command != "MAIL" or reply.code < 500:
            return self._relay_replied(row, reply)
        # Probably no sender is allowed; if it is this sender alone, other mails overtake it.
        session.abort()
        self._results.postpone(row, HOLD if self._breaker.is_open else timedelta.max)
        return self._open_breaker(f"the relay refuses all mail: {reply.code} {reply.text} (to MAIL)")

    def _connection_failed(self, row: Claimed, error: ConnectionLost) -> None:
        """Handle a connection that failed to open, or that this mail's envelope broke."""
        others = self._connecting + sum(session.alive for session in self._sessions)
        if not isinstance(error, ConnectFailed):
            self._results.postpone(row)
        elif others and not self._breaker.is_open:
            heapq.heappush(self._queue, (row.lane, row.due_at, row.id, row))
        else:
            self._results.release([row])
        if not others:
            refuses = "refuses all mail" if error.code >= 500 else "can't be reached"
            self._open_breaker(f"the relay {refuses}: {error.text}")
        elif isinstance(error, ConnectFailed):
            self._reduced, self._reduced_until = others, self._monotonic() + REDUCED_SECONDS

    def _open_breaker(self, reason: str, trouble: Trouble = Trouble.DOWN) -> None:
        reason = outbox.storable(reason)
        if self._breaker.trip(self._monotonic(), reason, trouble):
            log.relay_down(error=reason)
        self._release_queued()
        self._wake()

    # --- the end ------------------------------------------------------------------------------------------

    async def drain(self, span: timedelta) -> None:
        """Return rows that have not begun, and let the others end within `span`.

        Called after the loop's stop. A mail without a reply to its dot is recorded as unknown.
        """
        self._stopping = True
        self._release_queued()
        if self._senders:
            await asyncio.wait(self._senders, timeout=span.total_seconds())
        for task in self._senders:
            task.cancel()
        await asyncio.gather(*self._senders, return_exceptions=True)
        await self._results.finish(RECORD_TIMEOUT)
        for session in self._sessions:
            session.quit()

    def _release_queued(self) -> None:
        rows, self._queue = [entry[-1] for entry in self._queue], []
        self._results.release(rows)

    def _interrupt(self, row: Claimed) -> None:
        if row.id in self._bodies_sent:
            self._results.record(
                row, AttemptOutcome.UNKNOWN, Reply(0, "we stopped before the relay had answered")
            )
        else:
            self._results.release([row])
