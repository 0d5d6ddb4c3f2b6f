"""Ask a provider for news, where it does not call us. What it has is kept before the next question confirms it."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from mailbot.channels.seam import Channel, Unavailable
from mailbot.store.channels import events, states
from mailbot.store.channels.states import ChannelError, Position
from mailbot.workers.channels.holder import REST, Holder
from mailbot.workers.channels.reader import as_kept
from mailbot.workers.loop import backoff
from mailbot.workers.runtime import Deps


class ChannelPoller:
    """The worker of one channel with `poll`. `error`: why the provider can't be asked now, "" for nothing."""

    stop_stage: Final = "accept"

    def __init__(self, deps: Deps, channel: Channel, holder: Holder, wake_reader: Callable[[], None]) -> None:
        self.name, self.error = f"poll {channel.name}", ""
        self._deps, self._store, self._channel, self._holder = deps, deps.store, channel, holder
        self._wake_reader = wake_reader
        self._failures = 0

    async def run_once(self) -> timedelta | float:
        """Ask once, and keep what came. Return the time to rest."""
        assert self._channel.poll
        if not await self._holder.holds():
            return REST
        position = await self._store.read(states.position, self._channel.name)
        try:
            # No longer than the channel is ours: another node may ask from then on.
            async with asyncio.timeout(self._holder.seconds_left):
                polled = await self._channel.poll(position)
        except TimeoutError:
            return 0  # the next turn goes on with the channel, or leaves it to another node
        except Unavailable as error:
            self._failures += 1
            await self._note(str(error))
            return error.pause or backoff(self._failures)
        self._failures = 0
        await self._note("")
        for each in as_kept(self._channel.name, polled.events, self._deps.now()):
            await self._store.write(events.keep, each)
        if polled.position != position:
            await self._store.write(states.advance, Position(self._channel.name, polled.position))
        if polled.events:
            self._wake_reader()
        return 0

    async def _note(self, error: str) -> None:
        if error != self.error:
            self.error = error
            await self._store.write(states.record_error, ChannelError(self._channel.name, error))
