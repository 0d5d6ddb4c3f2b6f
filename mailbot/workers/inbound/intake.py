"""Turns accepted mail into tickets: claims a batch, parses each mail, decides, records it in one
transaction.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from mailbot import log
from mailbot.domain import events as e
from mailbot.domain.model import Envelope, InboundMail
from mailbot.domain.replies.mail_facts import MailDecision
from mailbot.mail.parsing.parse import parse
from mailbot.store import inbox
from mailbot.store.service.claims import Claims
from mailbot.workers.inbound.arrival import Processed
from mailbot.workers.inbound.clues import was_made_here
from mailbot.workers.inbound.ticketing import process_mails
from mailbot.workers.loop import process_isolating_failures
from mailbot.workers.runtime import CheckSender, Deps

BATCH = 50
IDLE = timedelta(seconds=1)  # how often to look without being woken: other nodes, the command line
STEADY = timedelta(seconds=5)  # how long this node runs before it tries a suspect for the last time
PATIENCE = 0.2  # seconds that a batch waits for the checks of its senders; slower ones join a later batch
SOON = timedelta(seconds=0.05)  # how often to look whether such a check has ended
LARGE = 1_000_000  # bytes: parsing more in the event loop would hold up every session


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """A claimed mail after parsing."""

    claimed: inbox.ClaimedMail
    mail: InboundMail


class Intake:
    """The worker.

    `check_sender` examines senders that no trusted host has vouched for; None: no check.
    `on_claimed(count, most)` is called after each claim, `on_processed` with each mail after its commit.
    """

    name: Final = "intake"
    stop_stage: Final = "process"

    def __init__(
        self,
        deps: Deps,
        node: str,
        check_sender: CheckSender | None = None,
        on_claimed: Callable[[int, int], None] = lambda count, most: None,
        on_processed: Callable[[Processed], None] = lambda processed: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._deps, self._store, self._node = deps, deps.store, node
        self._started_at = self._look_again_at = deps.now()
        self._check_sender, self._on_claimed, self._on_processed = check_sender, on_claimed, on_processed
        self._checking: dict[asyncio.Task[InboundMail], ParsedMail] = {}
        self._claims = Claims(deps.store, node, inbox.release_unheld, monotonic)
        self.deciding = asyncio.Lock()  # a node decides about one group of mails at a time
        self.has_older_mail = True  # in the inbox, as far as we know: nothing new may overtake it
        self._kept = 0  # mails that were kept without a decision

    def expect_kept_mail(self) -> None:
        """Note that a mail is kept without a decision: it waits in the inbox for the next claim."""
        self._kept += 1
        self.has_older_mail = True

    async def read_at_once(self, received: inbox.ReceivedMail) -> InboundMail | None:
        """Parse a mail and check its sender. None: that takes a turn of its own, or fails."""
        if len(received.raw) > LARGE:
            return None
        snapshot, ahead = self._deps.runtime.snapshot, received.read_ahead
        try:
            if ahead and ahead.policy == snapshot.policy.version:
                mail = ahead.mail
            else:
                mail = parse(received.raw, snapshot.trust.authserv_ids, snapshot.policy.mailboxes.keys())
        except Exception:
            return None  # intake meets the same error and parks it
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._check(received.envelope, received.raw, mail)
        except TimeoutError:
            return None

    async def run_once(self) -> timedelta | float:
        await self._claims.check([parsed.claimed.inbox_id for parsed in self._checking.values()])
        with self._claims.doubt_on_error():
            return await self._work()

    async def _work(self) -> timedelta | float:
        kept = self._kept
        claimed = await self._store.write(inbox.claim, inbox.Claim(self._node, BATCH), quick=True)
        is_full = len(claimed) == BATCH or any(each.more_wait for each in claimed)
        self.has_older_mail = is_full or kept != self._kept  # what is claimed by now is in hand
        self._on_claimed(len(claimed), len(claimed) if is_full else BATCH)
        await self._handle(await self._checked(await self._parse_all(claimed)))
        if await self._try_suspect() or is_full:
            return 0
        return SOON if self._checking else IDLE

    async def release(self) -> None:
        """Release the mails that still wait for a check: another node, or our next start, begins with
        them.
        """
        for task in self._checking:
            task.cancel()
        self._checking.clear()
        self._claims.doubt()
        await self._claims.check(())

    async def _try_suspect(self) -> bool:
        """Handle one mail that a node died on. Return whether there may be another. Asks only now and
        then.
        """
        if self._deps.now() < self._look_again_at:
            return False
        suspects = await self._store.write(inbox.claim, inbox.Claim(self._node, 1, self._suspects()))
        parsed = await self._parse_all(suspects)
        await self._handle([replace(each, mail=await self._check_parsed(each)) for each in parsed])
        if not suspects:
            self._look_again_at = self._deps.now() + IDLE
        return bool(suspects)

    def _suspects(self) -> tuple[int, ...]:
        """Return how many nodes may have died on a mail that is tried now, alone, so that no other suffers.

        The last try waits until this node has run for a while. Else a kill from outside, again and again,
        would be blamed on the mail.
        """
        if self._deps.now() - self._started_at < STEADY:
            return tuple(range(1, inbox.MAX_ATTEMPTS - 1))
        return tuple(range(1, inbox.MAX_ATTEMPTS))

    async def _checked(self, parsed: list[ParsedMail]) -> list[ParsedMail]:
        """Return those of these and earlier mails whose sender has been checked, oldest first."""
        if self._check_sender is None:
            return parsed
        tasks = {asyncio.create_task(self._check_parsed(each)): each for each in parsed}
        if tasks:
            await asyncio.wait(tasks, timeout=PATIENCE)
        self._checking |= tasks
        done = [task for task in self._checking if task.done()]
        return [replace(self._checking.pop(task), mail=task.result()) for task in done]

    async def _check_parsed(self, parsed: ParsedMail) -> InboundMail:
        return await self._check(parsed.claimed.envelope, parsed.claimed.raw, parsed.mail)

    async def _check(self, envelope: Envelope, raw: bytes, mail: InboundMail) -> InboundMail:
        """Examine the sender, but not of a mail that was made here: the page has seen who wrote it."""
        if self._check_sender is None or was_made_here(envelope, mail, self._deps.runtime.snapshot):
            return mail
        return await self._check_sender(envelope, raw, mail)

    async def _handle(self, batch: Sequence[ParsedMail]) -> None:
        if batch:
            await process_isolating_failures(batch, self._process, self._park_failed)

    async def _park_failed(self, parsed: ParsedMail, error: Exception) -> None:
        if not isinstance(error, inbox.ClaimLost):  # this node counted as dead: the new holder handles it
            await self._park(parsed.claimed, error)

    async def _parse_all(self, claimed: Sequence[inbox.ClaimedMail]) -> list[ParsedMail]:
        return [parsed for mail in claimed if (parsed := await self._parse(mail))]

    async def _parse(self, claimed: inbox.ClaimedMail) -> ParsedMail | None:
        await asyncio.sleep(0)  # sessions and deliveries go on between two mails
        snapshot = self._deps.runtime.snapshot
        ids, own = snapshot.trust.authserv_ids, snapshot.policy.mailboxes.keys()
        try:
            if len(claimed.raw) > LARGE:
                mail = await asyncio.to_thread(parse, claimed.raw, ids, own)
            else:
                mail = parse(claimed.raw, ids, own)
        except Exception as error:
            await self._park(claimed, error)
            return None
        return ParsedMail(claimed, mail)

    async def _process(self, batch: Sequence[ParsedMail]) -> None:
        async with self.deciding:
            batch_processed = await self._store.write(self._record, tuple(batch), alone=True)
        for processed in batch_processed:
            self.report(processed)
        self._deps.wake_delivery()

    def report(self, processed: Processed) -> None:
        """Log and count what was decided and committed about a mail."""
        for event in processed.decided.decision.events:
            self._log(processed.decided, event)
        self._on_processed(processed)

    def _record(
        self, connection: Connection, batches: Sequence[Sequence[ParsedMail]]
    ) -> list[list[Processed]]:
        snapshot, now = self._deps.runtime.snapshot, self._deps.now()
        return [
            process_mails(
                connection, [(parsed.claimed, parsed.mail) for parsed in batch], snapshot, self._node, now
            )
            for batch in batches
        ]

    async def _park(self, claimed: inbox.ClaimedMail, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"
        if await self._store.write(inbox.park, inbox.Unhandled(claimed.inbox_id, reason, self._node)):
            self._deps.metrics.parked.inc()
            log.mail_parked(inbox_id=claimed.inbox_id, error=error)

    def _log(self, decided: MailDecision, event: e.Event) -> None:
        ticket = decided.decision.ticket
        match event:
            case e.TicketOpened():
                self._deps.metrics.opened.inc()
                log.ticket_opened(
                    number=ticket.number,
                    rule=ticket.rule,
                    team=ticket.team,
                    level=ticket.level,
                    priority=ticket.priority,
                )
            case e.CustomerWrote(reason=reason):
                self._deps.metrics.threaded.inc()
                log.mail_threaded(number=ticket.number, evidence=str(reason))
            case e.TicketFiled(reason=reason):
                log.automatic_mail_filed(number=ticket.number, reason=str(reason))
            case e.AutomaticMailReceived(reason=reason):
                log.automatic_mail_recorded(number=ticket.number, reason=str(reason))
            case e.DeliveryBounced():
                self._deps.metrics.bounced.labels(event.report).inc()
                log.delivery_bounced(
                    number=ticket.number,
                    kind=event.report,
                    status=event.status,
                    proven=event.proven,
                    suppressed=decided.effects.suppression is not None,
                )
            case e.ThanksReceived():
                log.thanks_recorded(number=ticket.number)
            case e.StatusAsked():
                log.status_answered(number=ticket.number)
            case e.CopyReceived():
                log.copy_recorded(number=ticket.number)
            case e.AcknowledgementSuppressed(reason=reason):
                self._deps.metrics.suppress(reason.code)
                log.acknowledgement_suppressed(number=ticket.number, reason=str(reason))
            case e.AgentAnswered():
                log.agent_answered(number=ticket.number)
            case e.AgentMailHeld(reason=reason):
                log.agent_mail_held(number=ticket.number, reason=str(reason))
