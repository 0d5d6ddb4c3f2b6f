"""Decides mails in the very transaction that keeps them, before their 250.

Theory of operation. The door hands over each mail. What comes while one group is committed is the next group. One
transaction keeps the group, decides about it in a savepoint, and records tickets and mails. When deciding fails, the
savepoint is undone and the mails are kept alone: intake then claims them and finds the one at fault. Intake also
takes what is too large, what waits for a check of its sender, and everything while older mail waits in the inbox.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from mailbot import log
from mailbot.delivery.handover import Grant
from mailbot.domain.model import InboundMail
from mailbot.errors import StoreUnavailable
from mailbot.store import inbox
from mailbot.store.database.errors import translated
from mailbot.store.database.prepared import savepoint
from mailbot.store.inbox import ClaimedMail, Receipt, ReceivedMail
from mailbot.store.outbox import Allowance, Claimed
from mailbot.store.writers import is_failure_of_all
from mailbot.workers.inbound.arrival import Processed
from mailbot.workers.inbound.intake import Intake
from mailbot.workers.inbound.suspects import Suspects
from mailbot.workers.inbound.ticketing import process_mails
from mailbot.workers.runtime import Deps, Snapshot

BRAKE, LOOKS = 0.1, 20  # seconds that a group waits at most while delivery is behind, and how often it looks
MOST_AT_ONCE = 16  # mails in one transaction: the loop stands still while it decides


class Handover(Protocol):
    """What sends the mails of a decision without a claim: `delivery.sender.Delivery`."""

    @property
    def is_behind(self) -> bool: ...
    def grant(self, mails: int) -> Grant | None: ...
    def take_over(self, grant: Grant, rows: Sequence[Claimed], *, left: bool) -> None: ...
    def give_back(self, grant: Grant, *, in_doubt: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class _Group:
    mails: Sequence[tuple[ReceivedMail, InboundMail]]
    snapshot: Snapshot
    grant: Grant | None


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What became of a group. `allowance` has the mails for delivery. `error`: why nothing was decided about it."""

    receipts: list[Receipt]
    processed: list[Processed] = field(default_factory=list)
    allowance: Allowance | None = None
    error: Exception | None = None


class DirectIntake:
    """Keeps mails, and decides about them where that can be done at once. Call it with each mail.

    `handover` is None on a node that does not deliver.
    """

    def __init__(
        self,
        deps: Deps,
        node: str,
        intake: Intake,
        suspects: Suspects,
        handover: Handover | None,
        wake_intake: Callable[[], None],
    ) -> None:
        self._deps, self._store, self._node = deps, deps.store, node
        self._intake, self._suspects, self._handover = intake, suspects, handover
        self._wake_intake = wake_intake
        self._waiting: deque[tuple[ReceivedMail, InboundMail, asyncio.Future[Receipt]]] = deque()
        self._deciding: asyncio.Task[None] | None = None  # kept: a task without a reference is collected

    async def __call__(self, received: ReceivedMail) -> Receipt:
        """Keep a mail. Raises StoreUnavailable or one of its kinds."""
        if attempts := self._suspects.attempts(received.fingerprint):
            return await self._keep_suspect(received, attempts)
        mail = None if self._intake.has_older_mail else await self._intake.read_at_once(received)
        if mail is None:
            return await self._keep(received)
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._waiting.append((received, mail, future))
        if self._deciding is None:
            self._deciding = asyncio.create_task(self._decide_waiting())
        return await future

    async def _keep(self, received: ReceivedMail) -> Receipt:
        self._intake.expect_kept_mail()
        receipt = await self._store.write(inbox.keep, received, quick=True)
        self._wake_intake()
        return receipt

    async def _keep_suspect(self, received: ReceivedMail, attempts: int) -> Receipt:
        """Keep a mail that processes died on, before anything else is done with it."""
        known = min(attempts, inbox.MAX_ATTEMPTS - 1)
        receipt = await self._keep(replace(received, attempts=known))
        self._suspects.forget(received.fingerprint)
        return receipt

    async def _decide_waiting(self) -> None:
        try:
            while self._waiting:
                await self._let_delivery_catch_up()
                await self._decide_group()
        finally:
            self._deciding = None

    async def _let_delivery_catch_up(self) -> None:
        """Slow the senders while acknowledgements wait for a connection, as `Backpressure` does for intake."""
        for _ in range(LOOKS):
            if self._handover is None or not self._handover.is_behind:
                return
            await asyncio.sleep(BRAKE / LOOKS)

    async def _decide_group(self) -> None:
        count = min(len(self._waiting), MOST_AT_ONCE)
        taken = [self._waiting.popleft() for _ in range(count)]
        futures = [future for _, _, future in taken]
        mails = [(received, mail) for received, mail, _ in taken]
        grant = self._handover.grant(count) if self._handover else None
        try:
            recorded = await self._record(mails, grant)
        except BaseException as error:
            if self._handover and grant:
                self._handover.give_back(grant, in_doubt=True)
            if not isinstance(error, Exception):
                _fail(futures, StoreUnavailable("mailbot stops"))
                raise
            if is_failure_of_all(error):
                return _fail(futures, error)
            return await self._keep_each(mails, futures)
        for future, receipt in zip(futures, recorded.receipts, strict=True):
            if not future.done():
                future.set_result(receipt)
        try:
            self._hand_over(grant, recorded)
            self._report(recorded)
        except Exception as error:  # the mails are kept, and delivery finds its own in the store
            log.loop_failed(name="direct intake", error=error, retry_in=0.0)
        return None

    async def _keep_each(
        self, mails: Sequence[tuple[ReceivedMail, InboundMail]], futures: Sequence[asyncio.Future[Receipt]]
    ) -> None:
        """Keep mails one by one: one of them can't be kept, and the others must not suffer."""
        for (received, _), future in zip(mails, futures, strict=True):
            try:
                receipt = await self._keep(received)
            except Exception as error:
                _fail([future], error)
            else:
                if not future.done():
                    future.set_result(receipt)

    async def _record(
        self, mails: Sequence[tuple[ReceivedMail, InboundMail]], grant: Grant | None
    ) -> _Recorded:
        group = _Group(mails, self._deps.runtime.snapshot, grant)
        async with self._intake.deciding:
            return await self._store.write(self._keep_and_decide, group, quick=True)

    def _hand_over(self, grant: Grant | None, recorded: _Recorded) -> None:
        if self._handover and grant and recorded.allowance:
            self._handover.take_over(grant, recorded.allowance.own, left=recorded.allowance.left)
        elif self._handover and grant:
            self._handover.give_back(grant, in_doubt=False)
        elif recorded.processed:
            self._deps.wake_delivery()

    def _report(self, recorded: _Recorded) -> None:
        if recorded.error:
            self._intake.expect_kept_mail()
            log.direct_intake_failed(error=recorded.error)
            self._wake_intake()
        for processed in recorded.processed:
            self._intake.report(processed)

    def _keep_and_decide(self, connection: Connection, groups: Sequence[_Group]) -> list[_Recorded]:
        return [self._record_group(connection, group) for group in groups]

    def _record_group(self, connection: Connection, group: _Group) -> _Recorded:
        receipts = inbox.keep(connection, [received for received, _ in group.mails])
        new = [
            (ClaimedMail(receipt.inbox_id, received.envelope, received.raw, 0), mail)
            for receipt, (received, mail) in zip(receipts, group.mails, strict=True)
            if not receipt.known
        ]
        if not new:
            return _Recorded(receipts)
        self._suspects.begin([received.fingerprint for received, _ in group.mails])
        # One moment for both: what is due a microsecond after the allowance would wait for the next poll.
        now, grant = self._deps.now(), group.grant
        allowance = Allowance(self._node, now, grant.rows, len(grant.sessions)) if grant else None
        try:
            with savepoint(connection):
                processed = process_mails(
                    connection, new, group.snapshot, self._node, now, allowance, claimed=False
                )
        except Exception as error:
            trouble = translated(error) if isinstance(error, DBAPIError) else error
            if isinstance(trouble, StoreUnavailable):
                raise
            return _Recorded(receipts, error=error)
        finally:
            self._suspects.end()
        decided = [replace(receipt, decided=not receipt.known) for receipt in receipts]
        return _Recorded(decided, processed, allowance)


def _fail(futures: Sequence[asyncio.Future[Receipt]], error: Exception) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error)
