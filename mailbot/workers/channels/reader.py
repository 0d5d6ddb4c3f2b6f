"""Read what a provider sent: it becomes mail in the inbox, or what is known of a message of ours.

Theory of operation. Events were kept before the provider got its reply. Files are fetched here, beside each other;
then each event is finished in one commit with the mails that it became, in the order in which they came. What can't be
fetched now is read again later, and what can't be read at all is parked.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from mailbot import log
from mailbot.channels.message import ChannelMessage, build
from mailbot.channels.seam import Channel, Event, Found, Greeting, Nothing, ReadLater, Status, Unreadable
from mailbot.domain.policy import Mailbox
from mailbot.errors import StoreUnavailable
from mailbot.mail.compose.mime_writer import ComposeRefused
from mailbot.store.channels import events, sent
from mailbot.store.channels.events import Contact, KeptEvent, Later, Read
from mailbot.store.channels.sent import StatusReport
from mailbot.store.inbox import ReceivedMail
from mailbot.workers.channels.greetings import Welcome, greet
from mailbot.workers.channels.holder import REST, Holder
from mailbot.workers.loop import all_of
from mailbot.workers.runtime import Deps

BATCH = 20
POLL = 1.0  # seconds: a safety net, as each new event wakes us
READ_SECONDS = 90.0  # for one event with its files
GIVE_UP = timedelta(days=3)  # reading an event whose file can't be fetched
EARLY_REPORTS = 3  # attempts at a report of a message that we do not know
DELAYS = (5, 30, 120, 600)  # seconds after each attempt, the last one again and again


@dataclass(frozen=True, slots=True)
class _Content:
    """What an event holds: `mails` are those of its `messages`."""

    found: Sequence[Found]
    messages: Sequence[ChannelMessage]
    mails: Sequence[ReceivedMail]


class ChannelReader:
    """The worker of one channel. `wake_intake` is called for each new mail."""

    stop_stage: Final = "process"

    def __init__(self, deps: Deps, channel: Channel, holder: Holder, wake_intake: Callable[[], None]) -> None:
        self.name = f"read {channel.name}"
        self._deps, self._store, self._channel, self._holder = deps, deps.store, channel, holder
        self._wake_intake = wake_intake

    async def run_once(self) -> timedelta | float:
        """Read what is due. Return the time to rest."""
        if not await self._holder.holds():
            return REST
        now = self._deps.now()
        due = await self._store.read(events.due, self._channel.name, now, BATCH)
        read = await asyncio.gather(*(self._read(each) for each in due))
        # The store takes what waits in its order, in few commits: what a person wrote keeps its order.
        await all_of(self._record(event, each) for event, each in zip(due, read, strict=True))
        return 0 if len(due) == BATCH else POLL

    async def _read(self, event: KeptEvent) -> _Content | Exception:
        try:
            async with asyncio.timeout(READ_SECONDS):  # a provider may send a file byte by byte
                found = await self._channel.read(Event(event.external_id, event.content, event.received_at))
            messages = [each for each in found if isinstance(each, ChannelMessage)]
            return _Content(found, messages, await self._mails(event, messages))
        except asyncio.CancelledError:
            raise
        except Exception as error:  # of this event alone: the others go on (promise P5)
            return error

    async def _record(self, event: KeptEvent, read: _Content | Exception) -> None:
        if isinstance(read, Exception):
            return await self._put_off(event, read)
        try:
            await self._record_reports(event, [each for each in read.found if isinstance(each, Status)])
        except ReadLater as error:
            return await self._put_off(event, error)
        await self._finish(event, read)
        if read.mails:
            log.channel_message_kept(channel=self._channel.name, event_id=event.id, mails=len(read.mails))
            self._wake_intake()
        return None

    async def _finish(self, event: KeptEvent, read: _Content) -> None:
        """Mark an event as done, in one commit with all that it became."""
        contacts = [_contact(each, event.received_at) for each in read.messages]
        greetings = tuple(each for each in read.found if isinstance(each, Greeting))
        contacts += [Contact(each.to, each.name, event.received_at) for each in greetings]
        reason = "; ".join(each.reason for each in read.found if isinstance(each, Nothing))
        done = Read(event.id, tuple(read.mails), tuple(contacts), reason)
        if greetings:
            welcome = Welcome(done, greetings, self._mailbox(), self._deps.runtime.snapshot, self._deps.now())
            await self._store.write(greet, welcome)
        else:
            await self._store.write(events.finish, done)

    async def _record_reports(self, event: KeptEvent, reports: Sequence[Status]) -> None:
        """Record what became of messages of ours. Raises ReadLater: a report may come before our own record."""
        for each in reports:
            report = StatusReport(self._channel.name, each.external_id, each.status, each.at, each.reason)
            known = await self._store.write(sent.record_status, report)
            if not known and event.attempts < EARLY_REPORTS:
                raise ReadLater(f"no message {each.external_id} of ours is known yet")

    async def _mails(self, event: KeptEvent, messages: Sequence[ChannelMessage]) -> list[ReceivedMail]:
        box, keys = self._mailbox(), self._deps.runtime.snapshot.keys
        mails = []
        for message in messages:
            if message.answers and not message.in_reply_to:
                ours = await self._store.read(sent.message_id_of, message.channel, message.answers)
                message = replace(message, in_reply_to=ours)
            making = partial(build, message, box, keys, event.received_at)
            envelope, raw = await asyncio.to_thread(making) if message.files else making()
            mails.append(ReceivedMail(message.mark, envelope, raw))
        return mails

    def _mailbox(self) -> Mailbox:
        policy = self._deps.runtime.policy
        return policy.mailboxes.get(self._channel.mailbox) or next(iter(policy.mailboxes.values()))

    async def _put_off(self, event: KeptEvent, error: Exception) -> None:
        if isinstance(error, StoreUnavailable):
            raise error
        now = self._deps.now()
        later = isinstance(error, ReadLater | OSError) and now - event.received_at < GIVE_UP
        due_at = now + _delay(event.attempts) if later else None
        is_plain = isinstance(error, ReadLater | Unreadable | ComposeRefused)
        reason = str(error) if is_plain else f"{type(error).__name__}: {error}"
        await self._store.write(events.put_off, Later(event.id, reason, due_at))
        if due_at is None:
            self._deps.metrics.parked.inc()
            log.channel_event_parked(channel=self._channel.name, event_id=event.id, error=reason)
        else:
            log.channel_event_put_off(channel=self._channel.name, event_id=event.id, error=reason)


def _contact(message: ChannelMessage, received_at: datetime) -> Contact:
    """Return who wrote, and when: a provider may bring a message late, and no clock of its own makes it later."""
    return Contact(message.author, message.name, min(message.at or received_at, received_at))


def _delay(attempts: int) -> timedelta:
    return timedelta(seconds=DELAYS[min(attempts, len(DELAYS) - 1)])


def as_kept(channel: str, found: Sequence[Event], now: datetime) -> list[events.NewEvent]:
    """Return what a provider sent as it is kept."""
    return [events.NewEvent(channel, each.external_id, each.content, now) for each in found]
