"""Turns kept mail into tickets: claim a batch, read each one, decide, record it all in one transaction."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mailbot import log
from mailbot.domain import events as e
from mailbot.domain.decisions import MailDecision
from mailbot.domain.model import InboundMail
from mailbot.errors import StoreUnavailable
from mailbot.mail.parsing.parse import parse
from mailbot.metrics import Metrics
from mailbot.store import inbox
from mailbot.store.store import Store
from mailbot.workers.loop import process_isolating_failures
from mailbot.workers.runtime import Authenticate, Runtime, Wake
from mailbot.workers.ticketing import Processed, process_mails

BATCH = 50
IDLE = timedelta(seconds=1)  # how often to look without being woken: other nodes, the command line
STEADY = timedelta(seconds=5)
PATIENCE = 0.2  # seconds that a batch waits for the checks of its senders; what takes longer goes on later
SOON = timedelta(seconds=0.05)  # how often to look whether such a check has ended
LARGE = 1_000_000  # bytes: reading more than that would hold up everybody else's session


@dataclass(frozen=True, slots=True)
class Read:
    """A claimed mail after reading."""

    claimed: inbox.Claimed
    mail: InboundMail


class Intake:
    """The worker. `wake_delivery` is called after each commit that owes mail, `handled` with what it took,
    `seen` with each mail that was filed.

    `authenticate` looks at senders that no trusted host has spoken about; None: nobody does.
    """

    name = "intake"

    def __init__(
        self,
        store: Store,
        runtime: Runtime,
        node: str,
        wake_delivery: Wake,
        metrics: Metrics,
        now: Callable[[], datetime],
        authenticate: Authenticate | None = None,
        handled: Callable[[int, int], None] = lambda count, most: None,
        seen: Callable[[Processed], None] = lambda filed: None,
    ) -> None:
        self._store, self._runtime, self._node, self._handled = store, runtime, node, handled
        self._wake_delivery, self._metrics, self._now = wake_delivery, metrics, now
        self._since = self._look_again_at = now()
        self._authenticate, self._seen = authenticate, seen
        self._asking: dict[asyncio.Task[InboundMail], Read] = {}

    async def run_once(self) -> timedelta | float:
        fresh = await self._store.write(inbox.claim, inbox.Claim(self._node, BATCH))
        self._handled(len(fresh), BATCH)
        await self._handle(await self._checked(await self._read_all(fresh)))
        if await self._try_suspects() or len(fresh) == BATCH:
            return 0
        return SOON if self._asking else IDLE

    async def _try_suspects(self) -> bool:
        """Takes one mail that a node died on; True when there may be another. Asks only now and then."""
        if self._now() < self._look_again_at:
            return False
        suspects = await self._store.write(inbox.claim, inbox.Claim(self._node, 1, self._suspects()))
        await self._handle([await self._check(read) for read in await self._read_all(suspects)])
        if not suspects:
            self._look_again_at = self._now() + IDLE
        return bool(suspects)

    async def let_go(self) -> None:
        """Gives back what still waits for a check: another node, or our next start, begins again with it."""
        for task in self._asking:
            task.cancel()
        await self._give_back([read.claimed for read in self._asking.values()])
        self._asking.clear()

    async def _checked(self, fresh: list[Read]) -> list[Read]:
        """Those of these and earlier mails whose sender has been looked at, oldest first."""
        if self._authenticate is None:
            return fresh
        asked = {asyncio.create_task(self._found_out(read)): read for read in fresh}
        if asked:
            await asyncio.wait(asked, timeout=PATIENCE)
        self._asking |= asked
        done = [task for task in self._asking if task.done()]
        return [replace(self._asking.pop(task), mail=task.result()) for task in done]

    async def _check(self, read: Read) -> Read:
        return replace(read, mail=await self._found_out(read))

    async def _found_out(self, read: Read) -> InboundMail:
        if self._authenticate is None:
            return read.mail
        return await self._authenticate(read.claimed.envelope, read.claimed.raw, read.mail)

    def _suspects(self) -> tuple[int, ...]:
        """Which mails that a node died on may be tried now, each alone, so that no other is struck with it.

        The last try waits until we have stood for a while: whoever kills us again and again from outside
        would else be taken for a mail's fault.
        """
        if self._now() - self._since < STEADY:
            return tuple(range(1, inbox.STRIKES - 1))
        return tuple(range(1, inbox.STRIKES))

    async def _handle(self, batch: Sequence[Read]) -> None:
        if not batch:
            return
        try:
            await process_isolating_failures(batch, self._record, self._failed)
        except StoreUnavailable:
            await self._give_back([read.claimed for read in batch])
            raise

    async def _failed(self, read: Read, error: Exception) -> None:
        if not isinstance(error, inbox.ClaimLost):  # we were thought dead: whoever took it over does it
            await self._park(read.claimed, error)

    async def _read_all(self, claimed: Sequence[inbox.Claimed]) -> list[Read]:
        return [read for mail in claimed if (read := await self._read(mail))]

    async def _read(self, claimed: inbox.Claimed) -> Read | None:
        await asyncio.sleep(0)  # sessions and deliveries go on between two mails
        snapshot = self._runtime.snapshot
        ids, own = snapshot.trust.authserv_ids, snapshot.policy.mailboxes.keys()
        try:
            if len(claimed.raw) > LARGE:
                mail = await asyncio.to_thread(parse, claimed.raw, ids, own)
            else:
                mail = parse(claimed.raw, ids, own)
        except Exception as error:
            await self._park(claimed, error)
            return None
        return Read(claimed, mail)

    async def _record(self, batch: Sequence[Read]) -> None:
        for filed in await self._store.write(self._file, tuple(batch), alone=True):
            self._tell(filed)
            self._seen(filed)
        self._wake_delivery()

    def _file(self, connection: Connection, batches: Sequence[Sequence[Read]]) -> list[list[Processed]]:
        snapshot, now = self._runtime.snapshot, self._now()
        return [
            process_mails(
                connection, [(read.claimed, read.mail) for read in batch], snapshot, self._node, now
            )
            for batch in batches
        ]

    async def _park(self, claimed: inbox.Claimed, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"
        await self._store.write(inbox.park, inbox.Parked(claimed.inbox_id, reason))
        self._metrics.parked.inc()
        log.mail_parked(inbox_id=claimed.inbox_id, error=error)

    async def _give_back(self, claimed: Sequence[inbox.Claimed]) -> None:
        for mail in claimed:
            await self._store.write(inbox.unclaim, mail.inbox_id)

    def _tell(self, filed: Processed) -> None:
        for event in filed.decided.decision.events:
            self._tell_event(filed.decided, event)

    def _tell_event(self, decided: MailDecision, event: e.Event) -> None:
        ticket = decided.decision.ticket
        match event:
            case e.TicketRouted():
                self._metrics.opened.inc()
                log.ticket_opened(
                    number=ticket.number,
                    rule=ticket.rule,
                    team=ticket.team,
                    level=ticket.level,
                    priority=ticket.priority,
                )
            case e.CustomerWrote(evidence=evidence):
                self._metrics.threaded.inc()
                log.mail_threaded(number=ticket.number, evidence=evidence)
            case e.AutomaticMailReceived(reason=reason):
                log.automatic_mail_recorded(number=ticket.number, reason=reason)
            case e.DeliveryBounced():
                self._metrics.bounced.labels(event.kind).inc()
                log.delivery_bounced(
                    number=ticket.number,
                    kind=event.kind,
                    status=event.status,
                    proven=event.proven,
                    muted=decided.effects.mute is not None,
                )
            case e.ThanksReceived():
                log.thanks_recorded(number=ticket.number)
            case e.AcknowledgementSuppressed(reason=reason):
                self._metrics.suppress(reason)
                log.acknowledgement_suppressed(number=ticket.number, reason=reason)
            case e.AgentAnswered():
                log.agent_answered(number=ticket.number)
            case e.AgentMailHeld(reason=reason):
                log.agent_mail_held(number=ticket.number, reason=reason)
