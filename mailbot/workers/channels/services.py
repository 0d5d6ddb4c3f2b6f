"""Put the loops of a channel together."""

from collections.abc import Callable
from datetime import timedelta

from mailbot.channels.seam import Channel
from mailbot.workers.channels.holder import Holder
from mailbot.workers.channels.poller import ChannelPoller
from mailbot.workers.channels.reader import ChannelReader
from mailbot.workers.channels.sender import ChannelSender
from mailbot.workers.loop import Loop
from mailbot.workers.runtime import Deps

LONG_QUESTION = timedelta(minutes=3)  # a provider may take its time until there is news, or a file
CUT_OFF = timedelta(seconds=0.7)  # a question cut off loses nothing: what it brought comes again


class ChannelServices:
    """The loops of one channel. `trouble`: what is wrong with it now, for operators; "" while all is well."""

    def __init__(
        self,
        deps: Deps,
        channel: Channel,
        node: str,
        wake_intake: Callable[[], None],
        waker: Callable[[str], Callable[[], None]],
    ) -> None:
        self._channel = channel
        holder = Holder(deps.store, channel.name, node)
        reader = ChannelReader(deps, channel, holder, wake_intake)
        self.poller = ChannelPoller(deps, channel, holder, waker(reader.name)) if channel.poll else None
        self.sender = ChannelSender(deps, channel, node) if channel.send else None

        async def release(span: timedelta) -> None:
            await holder.release()

        async def close(span: timedelta) -> None:
            if channel.close:
                await channel.close()

        self.loops = [Loop(reader, patience=LONG_QUESTION, on_stop=release)]
        if self.poller:
            self.loops.append(Loop(self.poller, patience=LONG_QUESTION, grace=CUT_OFF))
        if self.sender:
            self.loops.append(Loop(self.sender, on_stop=close))

    @property
    def trouble(self) -> str:
        wrong = [each.error for each in (self.poller, self.sender) if each and each.error]
        return f"{self._channel.name}: {wrong[0]}" if wrong else ""
